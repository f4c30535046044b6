import ArgumentParser
import Formats
import Foundation
import Model
import Recipes
import Rows
import Text
import Training

/// Which rows a verb looks at, and the model that they are for: a recipe says both, or options do.
struct DataOptions: ParsableArguments {
  @Argument(help: "A recipe, or files of rows, folders of them, or patterns (data/*.jsonl).")
  var inputs: [String]

  @OptionGroup var overrides: RecipeOverrides

  @Option(help: "Format of the rows in FILES; auto, which recognizes it, if none is named.")
  var format: RowFormat?

  @Option(parsing: .singleValue, help: "File of held-out rows beside FILES; may be repeated.")
  var validation: [String] = []

  @Option(help: "Model that FILES are for: its tokenizer and its template are used, no weights.")
  var model: String?

  @Option(help: "Longest row of FILES in tokens.")
  var maxLength: Int?

  @Option(help: "Tokens of FILES that count.")
  var trainOn: TrainOn?

  @Option(
    help: "Chat template for FILES: auto (the model's own), a built-in one, or a Jinja file.")
  var template: String?

  /// What is looked at.
  struct Subject {
    var sources: [RowCheckRun.Source]
    /// nil: there is no model, and only texts are looked at.
    var renderer: Renderer?
    var positions: Int?
    /// The model's files; nil where there is nothing but a tokenizer.
    var files: PretrainedFiles?
    var maxLength: Int?
    var overlong = Overlong.drop
    /// nil: files were named.
    var recipe: Recipe?
    /// Why there is no model.
    var remark: String?

    /// A check of the rows as they are.
    var check: RowCheckRun {
      var check = RowCheckRun(sources)
      check.renderer = renderer
      check.maxLength = maxLength
      check.overlong = overlong
      check.positions = positions
      return check
    }

    var names: String { sources.map(\.rows.path).joined(separator: ", ") }

    /// What is said beside a result: why there is no model, what was recognized, and what in folders is no
    /// file of rows.
    var note: String? {
      let skipped = sources.flatMap { (try? RowFiles($0.rows.path).skipped) ?? [] }
      let more = skipped.count > 3 ? " and \(skipped.count - 3) more" : ""
      let names = skipped.prefix(3).joined(separator: ", ") + more
      let recognized = sources.compactMap { source in
        (try? source.rows.recognized()).flatMap { source.rows.recognition(as: $0.format) }
      }
      let notes =
        [remark] + recognized + [
          skipped.isEmpty ? nil : "not read, being no files of rows: \(names)"
        ]
      let told = notes.compactMap(\.self)
      return told.isEmpty ? nil : told.joined(separator: "; ")
    }
  }

  func subject() throws -> Subject {
    if inputs.count == 1, try Self.isRecipe(inputs[0]) { return try subject(ofRecipe: inputs[0]) }
    guard overrides.set.isEmpty else {
      throw Problem("--set", "it changes a recipe, but files of rows were named; leave it out")
    }
    let format = format ?? .auto
    var subject = Subject(
      sources: inputs.map { RowCheckRun.Source(RowSource(path: $0, format: format), .train) }
        + validation.map { RowCheckRun.Source(RowSource(path: $0, format: format), .heldOut) })
    subject.maxLength = maxLength
    guard let model else {
      subject.remark = "without --model only texts are looked at, not tokens"
      return subject
    }
    try subject.open(
      try ModelReference.path(model), template: TemplateChoice(template ?? "auto"),
      trainOn: trainOn ?? .assistant)
    return subject
  }

  private func subject(ofRecipe path: String) throws -> Subject {
    let isMixed =
      format != nil || !validation.isEmpty || model != nil || maxLength != nil || trainOn != nil
      || template != nil
    guard !isMixed else {
      throw Problem(
        path,
        "a recipe says what its files and its model are; change it with --set section.key=value")
    }
    let recipe = try Recipe.load(path: path, overrides: overrides.set)
    func sources(_ list: [DataSource], _ part: RowPart) -> [RowCheckRun.Source] {
      list.map { RowCheckRun.Source($0.rows(recipe.data), part) }
    }
    var subject = Subject(
      sources: sources(recipe.data.train, .train) + sources(recipe.data.validation, .heldOut))
    subject.recipe = recipe
    subject.maxLength = recipe.data.maxLength
    subject.overlong = recipe.data.overlong
    if let model = ModelReference.local(recipe.model.path) {
      try subject.open(
        model, template: recipe.data.templateChoice, trainOn: recipe.data.trainOn,
        trainsTurnEnds: recipe.data.trainEndOfTurn)
    } else {
      subject.remark =
        "the model \(recipe.model.path) is not on this machine, so only texts are looked at, not tokens"
    }
    return subject
  }

  /// Whether a file is a recipe: an object that holds no list of rows.
  private static func isRecipe(_ path: String) throws -> Bool {
    guard path.lowercased().hasSuffix(".json"), fileExists(path) else { return false }
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? file.close() }
    let start = try file.read(upToCount: 4096) ?? Foundation.Data()
    let blanks: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF]
    guard start.first(where: { !blanks.contains($0) }) == UInt8(ascii: "{") else { return false }
    let rows = try? RowFile.first(1, of: path)
    return rows?.isEmpty ?? true
  }
}

extension DataOptions.Subject {
  /// Opens tokenizer, template and configuration of a model. A directory with nothing but a tokenizer will
  /// do.
  fileprivate mutating func open(
    _ path: String, template: TemplateChoice, trainOn: TrainOn, trainsTurnEnds: Bool = true
  ) throws {
    let hasConfiguration = fileExists(path) || fileExists("\(path)/config.json")
    if !hasConfiguration, let tokenizer = try? Tokenizer.load(path) {
      renderer = Renderer(
        tokenizer: tokenizer, template: try ChatTemplate.chosen(template, modelPath: path),
        trainOn: trainOn, trainsTurnEnds: trainsTurnEnds)
      renderer?.longestPart = maxLength
      return
    }
    let model = try OpenedModel(path: path, template: template)
    renderer = model.renderer(trainOn: trainOn, trainsTurnEnds: trainsTurnEnds)
    renderer?.longestPart = maxLength
    files = model.files
    positions = model.files.configuration.maxPositionEmbeddings
  }
}
