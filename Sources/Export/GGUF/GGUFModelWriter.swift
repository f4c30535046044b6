package import Formats
package import Model
import Tensors
import Text

/// A base model, or base and adapter merged, as one GGUF file that llama.cpp and Ollama load.
///
/// Everything that GGUF or llama.cpp cannot express is found by `init`, before any work.
package struct GGUFModelWriter {
  package let files: PretrainedFiles
  package let type: GGUFModelType
  /// Sentences a user should see though the file is of use.
  package let warnings: [String]

  private let plan: GGUFTensorPlan
  private let metadata: [(key: String, value: GGUFField)]
  private let tables: [GGUFPositions.Table]

  /// - Parameters:
  ///   - name: What the model is called in the file.
  ///   - adapter: An adapter whose chat template takes the place of the model's, if it has one.
  ///   - endOfTurn: The token that ends an answer, where it is known.
  /// - Throws: A `Problem` with everything that stands in the way.
  package init(
    _ files: PretrainedFiles, type: GGUFModelType, name: String, adapter: String? = nil,
    endOfTurn: String? = nil
  ) throws(Problem) {
    self.files = files
    self.type = type
    plan = try GGUFTensorPlan(files.configuration, path: files.path)
    let layers = GGUFModelMetadata(files.configuration, architecture: plan.architecture)
    guard layers.problems.isEmpty else {
      throw Problem(
        heading:
          "\(files.path) cannot become a GGUF file; llama.cpp's \"\(plan.architecture)\" does"
          + " not compute what it has; merge into a Hugging Face directory instead",
        problems: layers.problems)
    }
    tables = layers.tables
    let vocabulary = try Self.vocabulary(files, adapter: adapter, endOfTurn: endOfTurn)
    warnings = layers.warnings + vocabulary.warnings
    metadata =
      Self.general(architecture: plan.architecture, name: name, type: type) + layers.fields
      + vocabulary.fields
  }

  private static func general(
    architecture: String, name: String, type: GGUFModelType
  ) -> [(key: String, value: GGUFField)] {
    var fields: [(key: String, value: GGUFField)] = [
      ("general.architecture", .string(architecture)), ("general.type", .string("model")),
      ("general.name", .string(name)), ("general.file_type", .uint32(type.fileType)),
    ]
    if type.isQuantized { fields.append(("general.quantization_version", .uint32(2))) }
    return fields
  }

  private static func vocabulary(
    _ files: PretrainedFiles, adapter: String?, endOfTurn: String?
  ) throws(Problem) -> (fields: [(key: String, value: GGUFField)], warnings: [String]) {
    let template = try ChatTemplate.load(files, adapter: adapter)?.source
    if let gguf = files.gguf { return (GGUFVocabulary.fields(of: gguf, template: template), []) }
    let configuration = files.configuration
    let vocabulary = try GGUFVocabulary(
      directory: files.tokenizerPath, rows: configuration.specification.vocabularySize,
      ids: .init(
        bos: configuration.bosTokenID, eos: configuration.eosTokenIDs.first,
        padding: configuration.json["pad_token_id"]?.integer), template: template,
      endOfTurn: endOfTurn)
    return (vocabulary.fields, vocabulary.warnings)
  }

  /// Whether llama.cpp puts the token that begins a text before it.
  var addsBOS: Bool {
    metadata.contains { $0.key == "tokenizer.ggml.add_bos_token" && $0.value == .bool(true) }
  }

  // MARK: - Tensors

  /// The format of every tensor, and how many bytes they have together.
  package var byteCount: Int { entries.reduce(0) { $0 + $1.1.byteCount } }

  private var entries: [(GGUFTensorPlan.Entry, GGUFWriter.Entry)] {
    let layers = files.specification.blocks
    let experts = layers.first?.feedForward.experts?.experts.count ?? 0
    return plan.entries.map { entry in
      let blocks = type.blocks(
        of: entry.name, shape: entry.shape, layers: layers.count, experts: experts,
        isHead: entry.name == plan.headName)
      return (entry, .init(entry.name, blocks.type, entry.shape))
    }
  }

  /// Writes the file, which appears when it is complete.
  ///
  /// - Parameters:
  ///   - adapters: Merged into the linear layers: W + s · B A in float32, rounded once.
  ///   - progress: Called with the fraction of bytes that are written.
  package func write(
    to path: String, adapters: AdapterSet?, progress: (Double) -> Void = { _ in }
  ) throws {
    let workspace = Workspace()
    let weights = entries.map { entry, written in
      GGUFWriter.Source(written) { emit in
        for site in entry.sites {
          let tensor = try files.tensor(site)
          if site.role == .linear { adapters?[site]?.merge(into: tensor, workspace: workspace) }
          try bring(tensor, entry, written.type, to: emit)
        }
      }
    }
    let divisors = tables.map { name, values in
      GGUFWriter.Source(.init(name, .f32, [values.count])) { emit in
        try values.withUnsafeBytes { try emit($0) }
      }
    }
    try GGUFWriter.write(
      path, metadata: metadata, tensors: divisors + weights, progress: progress)
  }

  private func bring(
    _ tensor: Tensor, _ entry: GGUFTensorPlan.Entry, _ type: GGMLType,
    to emit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    guard let blocks = GGMLBlocks(rawValue: type.name) else { return }
    let values = entry.addend == 0 ? tensor : tensor.adding(entry.addend)
    guard blocks.holds(values) else {
      throw Problem(
        entry.name,
        "a value is not a number or does not fit into \(blocks.rawValue); write F32 or BF16",
        kind: .run)
    }
    // The rows of a bias are its elements.
    let rows = values.shape.count == 1 ? values.reshaped([values.count, 1]) : values
    let ordered = entry.order == nil ? values : rows
    try blocks.encode(ordered, order: entry.order).withUnsafeBytes { try emit($0) }
  }
}

extension GGMLBlocks {
  /// The same format as files number it.
  var type: GGMLType {
    guard let type = GGMLType.allCases.first(where: { $0.name == rawValue }) else {
      preconditionFailure("GGUF has no type \(rawValue)")
    }
    return type
  }

  /// Whether all values are finite in this format; those with a float16 scale end where float16 does.
  func holds(_ values: Tensor) -> Bool {
    switch self {
    case .f32: return Kernels.isFinite(values)
    case .bf16: return Kernels.isFinite(values.converted(to: .bfloat16))
    default: return Kernels.isFinite(values.converted(to: .float16))
    }
  }
}

extension Tensor {
  fileprivate func converted(to type: DataType) -> Tensor {
    let other = Tensor.zeros(shape, type)
    Kernels.convert(self, into: other)
    return other
  }

  /// A copy with a number added to every value. For norms, which are short.
  fileprivate func adding(_ number: Float) -> Tensor {
    .from(toArray(Float.self).map { $0 + number }, shape: shape, dataType)
  }
}
