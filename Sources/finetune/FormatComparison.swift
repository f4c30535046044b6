import Export
import Formats
import Foundation
import Model
import Rows
import Tensors
import Text
import Training

/// Exports a model in several types, one after the other, and measures each on the same rows.
struct FormatComparison {
  var model: ModelOptions
  var adapter: String?
  var types: [GGUFModelType] = []
  var data: [RowSource]
  var maxLength = 1024
  var overlong = Overlong.drop
  var trainOn = TrainOn.assistant
  var template: TemplateChoice = "auto"
  /// nil: each file is removed once it is measured.
  var keep: String?

  init(model: ModelOptions, data: [RowSource]) {
    self.model = model
    self.data = data
  }

  struct Line {
    let name: String
    /// Of the weights: in the file, or in memory.
    let bytes: Int
    let bitsPerWeight: Double
    let result: FormatMeasurement.Result

    /// The object that `--json` prints.
    var json: JSON {
      [
        "format": .string(name), "bytes": .integer(bytes),
        "bits_per_weight": .number(bitsPerWeight),
        "loss": .number(result.loss), "perplexity": .number(result.perplexity),
        "tokens": .integer(result.tokens), "rows": .integer(result.rows),
        "tokens_per_second": .number(result.tokensPerSecond),
      ]
    }
  }

  /// - Parameters:
  ///   - warn: Gets a sentence for each doubt about rows, adapter or format.
  ///   - begin: Called with the name of each format before it is measured.
  func run(warn: (String) -> Void, begin: (String) -> Void) throws -> [Line] {
    let base = try model.path()
    let adapter = try adapter.map { try ModelReference.path($0) }
    let files = try PretrainedFiles.open(base)
    let weights = files.specification.sites.reduce(0) { $0 + $1.count }
    let directory = try keep ?? temporaryDirectory()
    if let keep { try createDirectory(keep) }
    defer { if keep == nil { try? removeTree(directory) } }
    // All of them are checked before the first is written.
    let exporters = try types.map { type in
      let path = "\(directory)/\(lastPathComponent(model.model))-\(type.rawValue).gguf"
      var settings = Exporter.Settings(model: base, format: .gguf, output: path)
      settings.adapter = adapter
      settings.type = type
      settings.templateVariables = template.variables
      return (type, path, try Exporter(settings))
    }
    for warning in exporters.first?.2.warnings ?? [] { warn(warning) }
    var lines = try inMemory(
      files, adapter: adapter, weights: weights, warn: warn, begin: begin)
    for (type, path, exporter) in exporters {
      begin(type.rawValue)
      try exporter.run()
      let bytes = try MappedFile(path).count
      let result = try measurement(path, adapter: nil, model.storage).run()
      lines.append(line(type.rawValue, bytes, weights, result))
      if keep == nil { try removeTree(path) }
    }
    return lines
  }

  /// The model as it is trained, in the compute type and in 4 bits.
  private func inMemory(
    _ files: PretrainedFiles, adapter: String?, weights: Int, warn: (String) -> Void,
    begin: (String) -> Void
  ) throws -> [Line] {
    let plain = WeightStorage(model.computeDtype)
    let nf4 = WeightStorage(
      model.computeDtype, quantization: .nf4, doubleQuantization: model.doubleQuantization)
    return try [(model.computeDtype.rawValue, plain), ("nf4", nf4)].enumerated().map {
      index, entry in
      let (name, storage) = entry
      begin(name)
      let result = try measurement(files.path, adapter: adapter, storage)
        .run(warn: { if index == 0 { warn($0) } })
      let bytes = Self.weightBytes(files.specification, storage)
      return line(name, bytes, weights, result)
    }
  }

  private static func weightBytes(
    _ specification: ModelSpecification, _ storage: WeightStorage
  ) -> Int {
    let none = LoRAConfiguration(rank: 1, alpha: 1, targetModules: [], baseModel: "")
    return MemoryPlan(
      specification, storage: storage, tokens: 1, outputs: 1, checkpointing: false, method: none,
      targets: []
    ).base
  }

  private func line(
    _ name: String, _ bytes: Int, _ weights: Int, _ result: FormatMeasurement.Result
  ) -> Line {
    Line(
      name: name, bytes: bytes, bitsPerWeight: 8 * Double(bytes) / Double(max(weights, 1)),
      result: result)
  }

  private func measurement(
    _ path: String, adapter: String?, _ storage: WeightStorage
  ) -> FormatMeasurement {
    var measurement = FormatMeasurement(model: path, data: data)
    measurement.adapter = adapter
    measurement.storage = storage
    measurement.maxLength = maxLength
    measurement.overlong = overlong
    measurement.trainOn = trainOn
    measurement.template = template
    measurement.threads = model.threads
    return measurement
  }

  private func temporaryDirectory() throws -> String {
    let url = FileManager.default.temporaryDirectory.appending(path: "finetune-\(UUID())")
    try createDirectory(url.path)
    return url.path
  }
}
