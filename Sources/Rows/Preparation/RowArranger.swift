import Formats

/// Writes rows that stay: each into the file of its part and its format, augmented where that is asked for.
final class RowArranger {
  private let run: PreparationRun
  private let directory: String
  private let parts: [String]
  /// How rows are written: only rows of one format and one mapping can stand in one file.
  private let shapes: [RowSource]
  /// By part, then by shape.
  private var files: [PreparedFile] = []
  /// Told of every change to a row.
  private let report: (RowChange) throws(Problem) -> Void
  private(set) var rowsAugmented = 0
  private(set) var copies = 0

  init(
    _ run: PreparationRun, directory: String,
    report: @escaping (RowChange) throws(Problem) -> Void
  ) throws(Problem) {
    self.run = run
    self.directory = directory
    self.report = report
    let sources = run.check.sources
    if let split = run.split {
      parts = split.parts.map(\.name)
    } else {
      parts = sources.contains { $0.part == .heldOut } ? ["train", "validation"] : ["rows"]
    }
    var shapes: [RowSource] = []
    for source in sources where !shapes.contains(source.rows.shape) {
      shapes.append(source.rows.shape)
    }
    self.shapes = shapes
    for name in names { files.append(try PreparedFile("\(directory)/\(name)")) }
  }

  private var names: [String] {
    parts.flatMap { part in shapes.indices.map { part + suffix(ofShape: $0) + ".jsonl" } }
  }

  /// Nothing where all rows are alike, else the format, with a number where there are several mappings.
  private func suffix(ofShape index: Int) -> String {
    guard shapes.count > 1 else { return "" }
    let format = shapes[index].format
    let same = shapes.indices.filter { shapes[$0].format == format }
    let number = same.firstIndex(of: index).map { $0 + 1 } ?? 1
    return "-\(format.rawValue)" + (number > 1 ? "-\(number)" : "")
  }

  /// - Parameter place: Where the row was read at first.
  func add(
    _ row: CheckedRow, place: RowPlace, source: RowCheckRun.Source
  ) throws(Problem) {
    let isPlain = run.augmentation.isEmpty
    // Nobody asks what the row says where nothing depends on it.
    let content = isPlain && run.split == nil ? 0 : RowIdentity.hash(row)
    let part =
      run.split?.part(of: content, seed: run.seed) ?? (source.part == .heldOut ? 1 : 0)
    let shape = shapes.firstIndex(of: source.rows.shape) ?? 0
    let file = files[part * shapes.count + shape]
    guard !isPlain else { return try file.write(row.outcome.json) }
    // What the model is measured on stays as people wrote it, but for the system prompt.
    let isLearned = part == 0 && source.part == .train
    try write(row.outcome.json, source.rows, content, place, isLearned: isLearned, to: file)
  }

  private func write(
    _ row: JSON, _ source: RowSource, _ content: UInt64, _ place: RowPlace, isLearned: Bool,
    to file: PreparedFile
  ) throws(Problem) {
    let augmentation = run.augmentation
    var written: [JSON] = []
    for copy in 0...(isLearned ? augmentation.copies : 0) {
      let variant = augmentation.variant(
        of: row, source, content: content, seed: run.seed, copy: copy,
        isNoisy: isLearned && (copy > 0 || augmentation.copies == 0))
      // A copy in which nothing changed would only be a repetition.
      if written.contains(variant.row) { continue }
      try file.write(variant.row)
      written.append(variant.row)
      if copy > 0 {
        copies += 1
        var change = RowChange(place, "copies", .copied, "a copy of the row was added")
        change.copy = copy
        try report(change)
      } else if !variant.edits.isEmpty {
        rowsAugmented += 1
      }
      for (kind, edit) in variant.edits {
        var change = RowChange(place, kind, .augmented, "\(edit.name) was changed")
        change.edit = edit
        change.copy = copy > 0 ? copy : nil
        try report(change)
      }
    }
  }

  /// Ends the files.
  func finish() throws(Problem) -> [PreparationReport.Output] {
    var outputs: [PreparationReport.Output] = []
    for (index, file) in files.enumerated() {
      let digest = try file.close()
      outputs.append(
        PreparationReport.Output(
          name: names[index], format: shapes[index % shapes.count].format, rows: file.rows,
          digest: digest))
    }
    return outputs
  }
}

extension RowSource {
  /// How its rows are written, wherever they are.
  fileprivate var shape: RowSource { at("") }

  /// Rows of the same kind in another file.
  func at(_ path: String) -> RowSource {
    RowSource(
      path: path, format: format, mapping: mapping, parsesToolArguments: parsesToolArguments)
  }
}
