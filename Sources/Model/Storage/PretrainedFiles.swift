package import Formats
package import Tensors

/// A pretrained model on disk: a Hugging Face directory with safetensors, or a GGUF file.
///
/// Files are mapped; a tensor is converted when it is asked for, so no more than one copy exists.
package final class PretrainedFiles {
  /// What was opened: the directory, or the GGUF file.
  package let path: String
  package let configuration: ModelConfiguration
  package let source: Source
  private let weights: any WeightFiles
  private let memory = TensorPool()
  private let scratch = ReadingScratch()

  package enum Source {
    case huggingFace(directory: String)
    case gguf(GGUFFile)
  }

  /// What a tokenizer is loaded from: the directory, or the GGUF file.
  package var tokenizerPath: String { path }

  /// The opened GGUF file, where the model is one: reading its vocabulary again would take longer than
  /// everything else in it but the weights.
  package var gguf: GGUFFile? { if case .gguf(let file) = source { file } else { nil } }

  /// Opens a model directory, a GGUF file, or a directory with exactly one GGUF file, and checks
  /// that every tensor is there, in the right shape and a readable type.
  package static func open(_ path: String) throws(Problem) -> PretrainedFiles {
    let files = try PretrainedFiles(path)
    try files.checkComplete()
    return files
  }

  private init(_ path: String) throws(Problem) {
    let place = try ModelPlace(path)
    switch place {
    case .directory(let directory):
      let configuration = try Self.configuration(directory)
      let weights = try HuggingFaceWeights(
        directory: directory, family: configuration.family,
        quantization: configuration.json["quantization_config"])
      self.configuration = try configuration.tied(as: weights)
      self.weights = weights
      source = .huggingFace(directory: directory)
      self.path = directory
    case .gguf(let ggufPath):
      let file = try GGUFFile(ggufPath)
      configuration = try ModelConfiguration(file)
      guard let naming = configuration.family.gguf else {
        throw Problem(ggufPath, "GGUF files of \(configuration.family.architecture) are not read")
      }
      weights = GGUFWeights(file, naming, configuration.specification)
      source = .gguf(file)
      self.path = ggufPath
    }
  }

  private static func configuration(_ directory: String) throws(Problem) -> ModelConfiguration {
    let generationPath = "\(directory)/generation_config.json"
    let generation = fileExists(generationPath) ? try readJSON(generationPath) : nil
    let path = "\(directory)/config.json"
    return try ModelConfiguration(try readJSON(path), generation: generation, path: path)
  }

  // MARK: - Reading

  package var specification: ModelSpecification { configuration.specification }

  /// A tensor of finite values as float32 or rounded to another type, in memory that is not the file's.
  package func tensor(_ site: Site, type: DataType = .float32) throws(Problem) -> Tensor {
    let values = try values(site, type: type, in: memory)
    guard values.isMapped else { return values.tensor }
    // The system maps files in small pages; in large ones a model is read half as fast again.
    let copy = Tensor.zeros(site.shape, type, in: memory)
    Kernels.copy(values.tensor, into: copy)
    weights.forget(site.name)
    return copy
  }

  /// The same where it may be memory of the mapped file, for reading once. Without `memory` it may also be
  /// scratch, which lasts until the next tensor is read.
  private func values(
    _ site: Site, type: DataType, in memory: TensorPool? = nil
  ) throws(Problem) -> (tensor: Tensor, isMapped: Bool) {
    if let fault = fault(site) { throw fault }
    let name = site.name
    func checked(_ tensor: Tensor) throws(Problem) -> Tensor {
      guard Kernels.isFinite(tensor) else {
        let stored = weights.stored(name)
        throw notFinite(stored?.name ?? name, in: stored?.path ?? path)
      }
      return tensor
    }
    if type != .float32, !site.isStoredTransposed, let mapped = weights.mapped(name, type) {
      return (try checked(mapped), true)
    }
    let isKept = type == .float32 && memory != nil
    let tensor =
      isKept ? Tensor.zeros(site.shape, in: memory) : scratch.tensor(site.shape, .float32)
    try decode(site, into: tensor)
    weights.forget(name)
    guard type != .float32 else { return (try checked(tensor), false) }
    let narrow =
      memory == nil
      ? scratch.tensor(site.shape, type) : Tensor.zeros(site.shape, type, in: memory)
    Kernels.convert(try checked(tensor), into: narrow)
    return (try checked(narrow), false)
  }

  /// The values as float32, as the layers have them.
  private func decode(_ site: Site, into tensor: Tensor) throws(Problem) {
    guard site.isStoredTransposed, weights.stored(site.name)?.isTransposed == true else {
      try weights.decode(site.name, into: tensor)
      return
    }
    let stored = Tensor.zeros(site.storedShape)
    try weights.decode(site.name, into: stored)
    Kernels.transpose(stored, into: tensor)
  }

  /// The weight of a linear layer.
  ///
  /// A file that is in NF4 already is taken as it is where that is asked for, and the four bits of GPTQ
  /// and AWQ where it is not: they are the same numbers, in a quarter of the memory. Otherwise the weight
  /// is rounded to `valueType` before it is quantized, and is again whenever it is dequantized: float32,
  /// bfloat16 or float16, by default the type in the file. transformers with bitsandbytes has the dtype
  /// that the model is loaded in.
  package func linear(
    _ site: Site, storage: WeightStorage, valueType: DataType? = nil
  ) throws(Problem) -> BaseWeight {
    guard storage.quantization == .nf4 else {
      if let fault = fault(site) { throw fault }
      if let stored = try weights.grouped(site.name, in: memory) {
        weights.forget(site.name)
        return .grouped(stored)
      }
      let values = try tensor(site, type: storage.type.dataType)
      return storage.type == .bfloat16 ? .bfloat16(values) : .float32(values)
    }
    if let fault = fault(site) { throw fault }
    if let stored = try weights.nf4(site.name) { return .nf4(stored) }
    let type = valueType ?? weights.stored(site.name)?.type ?? .float32
    let values = try values(site, type: type).tensor
    // A large model becomes its 4 bits layer by layer, in little more memory than those need.
    defer { weights.forget(site.name) }
    return .nf4(
      Kernels.nf4Quantize(
        values, outputs: site.outputs, inputs: site.inputs,
        doubleQuantization: storage.doubleQuantization, valueType: type, in: memory))
  }

  /// Bytes of a linear layer's weight in memory where its file decides, without reading it; nil where
  /// `storage` does.
  package func keptBytes(_ site: Site, _ storage: WeightStorage) -> Int? {
    storage.quantization == .nf4 ? nil : weights.groupedBytes(site.name)
  }

  /// Gives back what reading tensors needed beside them.
  package func finishReading() { scratch.clear() }

  /// The type that linear layers are stored in where it is a type of single numbers.
  package var linearType: DataType? {
    guard let stored = specification.linears.first.flatMap({ weights.stored($0.name) }) else {
      return nil
    }
    return stored.type?.rawValue == stored.typeName ? stored.type : nil
  }

  /// Whether linear layers are stored in NF4.
  package var isQuantized: Bool {
    specification.linears.contains { weights.stored($0.name)?.typeName == "NF4" }
  }

  /// How a checkpoint in safetensors stores its linear layers where it quantizes them, for a person.
  package var storedQuantization: String? { weights.quantization }

  /// `storedQuantization` of a checkpoint in NF4.
  package static let storedNF4 = "bitsandbytes NF4"

  // MARK: - Checking

  /// Throws one `Problem` with every tensor that is missing, has another shape or cannot be read,
  /// and with tensors that a model of this configuration does not have.
  package func checkComplete() throws(Problem) {
    let expected = specification.sites
    var faults = expected.compactMap { fault($0) }.flatMap(\.sentences)
    let unexpected = weights.unexpected(known: Set(expected.map(\.name)))
    if let first = unexpected.first {
      let others = unexpected.count > 1 ? " and \(unexpected.count - 1) more" : ""
      faults.append(
        "\(path): holds tensor \"\(first)\"\(others), which a \(configuration.family.architecture)"
          + " of this configuration does not have; choose another model")
    }
    guard !faults.isEmpty else { return }
    let shown = 8
    let rest = faults.count > shown ? ["… and \(faults.count - shown) more"] : []
    throw Problem(heading: path, problems: faults.prefix(shown) + rest)
  }

  private func fault(_ site: Site) -> Problem? {
    guard let stored = weights.stored(site.name) else {
      return Problem(path, "tensor \"\(site.name)\" is missing; download the model again")
    }
    let shape = stored.isTransposed ? site.storedShape : site.shape
    guard stored.shape == shape else {
      return Problem(
        stored.path,
        "tensor \"\(stored.name)\" is \(stored.shape), the configuration implies \(shape); the files"
          + " do not belong together")
    }
    guard stored.type != nil else {
      if stored.typeName.hasPrefix("F8_") {
        return Problem(
          stored.path,
          "tensor \"\(stored.name)\" is in 8-bit floating point (\(stored.typeName)), which is not"
            + " supported; use the model in BF16, or quantize that with `finetune quantize`")
      }
      return Problem(
        stored.path,
        "tensor \"\(stored.name)\" has element type \(stored.typeName), which is not supported; use"
          + " a model in BF16, F16, F32 or a common GGUF type such as Q8_0 or Q4_K")
    }
    return nil
  }

  // MARK: - Identity

  /// Identifies the model: a SHA-256 of its configuration, of the files' headers (names, types,
  /// shapes, places of all tensors) and of samples of every tensor (12 KiB each), so that it takes
  /// milliseconds however large the model is. Where the files lie does not matter.
  package private(set) lazy var fingerprint: String = {
    var sum = SHA256Stream()
    sum.update(Array(configuration.json.text(sortedKeys: true).utf8))
    weights.identify(&sum)
    return sum.digest.hex
  }()
}

/// Where a tensor stays on its way to another type.
///
/// The same memory serves one tensor after the other: it stays in the cache, and the system does not have
/// to clear new pages for each, which takes longer than the conversion. Large tensors have memory of
/// their own, which is given back at once.
private final class ReadingScratch {
  private static let mostBytes = 32 << 20
  private var memory: [DataType: Tensor] = [:]

  /// Valid until the next of this type is asked for. The contents are undefined.
  func tensor(_ shape: [Int], _ type: DataType) -> Tensor {
    let count = shape.reduce(1, *)
    guard count * type.size <= Self.mostBytes else { return Tensor.zeros(shape, type) }
    if let known = memory[type], known.count >= count {
      return known.rows(0..<count).reshaped(shape)
    }
    let larger = Tensor.zeros([count], type)
    memory[type] = larger
    return larger.reshaped(shape)
  }

  func clear() { memory = [:] }
}
