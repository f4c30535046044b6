package import Formats
package import Model
import Tensors

/// A LoRA adapter as a GGUF file that llama.cpp applies to a base (`--lora`, Ollama's ADAPTER).
///
/// llama.cpp scales each pair by alpha / rank, with one alpha for all. Where modules differ, what is
/// missing is multiplied into B.
package struct GGUFAdapterWriter {
  /// What is added to one tensor of the model: one pair, or those of all experts of a layer.
  private struct Target {
    let entry: GGUFTensorPlan.Entry
    var pairs: [LoRA]
  }

  private let targets: [Target]
  private let architecture: String
  /// In float32, float16, bfloat16 or Q8_0.
  private let blocks: GGMLBlocks
  let alpha: Double

  package static let types: [GGUFModelType] = [.f32, .f16, .bf16, .q8_0]

  /// - Parameters:
  ///   - configuration: Of the base model.
  ///   - path: The adapter's, for problems.
  /// - Throws: A `Problem` for an adapter that is not plain LoRA, or a type that there is not.
  package init(
    _ adapters: AdapterSet, on configuration: ModelConfiguration, type: GGUFModelType, path: String
  ) throws(Problem) {
    guard Self.types.contains(type) else {
      throw Problem(
        "--type",
        "\(type.rawValue) is no type of an adapter, expected"
          + " \(Self.types.map(\.rawValue).joined(separator: ", ")); adapters are small")
    }
    let plan = try GGUFTensorPlan(configuration, path: path)
    architecture = plan.architecture
    blocks = type.blocks
    var (targets, places): ([Target], [String: Int]) = ([], [:])
    for (module, lora) in try adapters.plainLoRA(path, format: "GGUF") {
      guard let entry = plan[module.site] else { continue }
      if let place = places[entry.name] {
        targets[place].pairs.append(lora)
      } else {
        places[entry.name] = targets.count
        targets.append(Target(entry: entry, pairs: [lora]))
      }
    }
    self.targets = targets
    alpha = targets.flatMap(\.pairs).map(Self.alpha).first { $0 != 0 } ?? 1
    for target in targets { try Self.check(target, path: path) }
  }

  /// A tensor of experts has one pair for each, all of one rank.
  private static func check(_ target: Target, path: String) throws(Problem) {
    let ranks = Set(target.pairs.map(\.rank))
    guard target.pairs.count < target.entry.sites.count || ranks.count > 1 else { return }
    throw Problem(
      path,
      "it adapts \(target.pairs.count) of \(target.entry.sites.count) experts in"
        + " \"\(target.entry.name)\" with ranks \(ranks.sorted()), but a GGUF adapter has all of a"
        + " layer with one rank; merge it into its base (finetune export --format gguf) instead")
  }

  /// What llama.cpp must be told for the scale that this module has.
  private static func alpha(_ lora: LoRA) -> Double { Double(lora.scale) * Double(lora.rank) }

  /// What B is multiplied by, so that alpha / rank is the module's scale.
  private func folded(_ lora: LoRA) -> Float { Float(Self.alpha(lora) / alpha) }

  package func write(to path: String) throws {
    let metadata: [(key: String, value: GGUFField)] = [
      ("general.architecture", .string(architecture)), ("general.type", .string("adapter")),
      ("general.file_type", .uint32(fileType)), ("adapter.type", .string("lora")),
      ("adapter.lora.alpha", .float32(Float(alpha))),
    ]
    let tensors = targets.flatMap { target in
      [
        source("lora_a", of: target, target.pairs.map(\.a.value), order: nil),
        source(
          "lora_b", of: target, target.pairs.map { $0.b.value.multiplied(by: folded($0)) },
          order: target.entry.order),
      ]
    }
    try GGUFWriter.write(path, metadata: metadata, tensors: tensors)
  }

  private var fileType: UInt32 {
    Self.types.first { $0.blocks == blocks }?.fileType ?? 0
  }

  /// Rows of B are as long as the rank, which may be too short for blocks.
  private func source(
    _ part: String, of target: Target, _ tensors: [Tensor], order: [Int]?
  ) -> GGUFWriter.Source {
    let name = "\(target.entry.name).\(part)"
    let blocks = GGUFModelType.fitting(blocks, columns: tensors[0].shape[1])
    let shape = target.entry.stacked(tensors[0].shape)
    return GGUFWriter.Source(.init(name, blocks.type, shape)) { emit in
      for tensor in tensors {
        guard blocks.holds(tensor) else {
          throw Problem(
            name, "a value is not a number or does not fit into \(blocks.rawValue); write F32",
            kind: .run)
        }
        try blocks.encode(tensor, order: order).withUnsafeBytes { try emit($0) }
      }
    }
  }
}

extension AdapterSet {
  /// The modules, if all are plain LoRA on linear layers.
  ///
  /// - Throws: A `Problem` that names what other programs would not apply.
  func plainLoRA(
    _ path: String, format: String
  ) throws(Problem) -> [(module: Module, lora: LoRA)] {
    var found: [(Module, LoRA)] = []
    for module in modules {
      guard let lora = module.adapter as? LoRA else {
        throw Problem(
          path,
          "this is no plain LoRA adapter, which is all that a \(format) adapter can be; merge it into"
            + " its base (finetune export --format gguf) instead")
      }
      found.append((module, lora))
    }
    return found
  }
}

extension Tensor {
  /// A copy with every value multiplied; itself for 1. For adapters, which are small.
  func multiplied(by factor: Float) -> Tensor {
    if factor == 1 { return self }
    return .from(toArray(Float.self).map { $0 * factor }, shape: shape, dataType)
  }
}
