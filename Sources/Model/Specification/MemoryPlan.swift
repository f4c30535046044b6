package import Tensors

/// Where the memory of a training run goes, in bytes, known from sizes alone.
///
/// Weights are counted site by site; what a step keeps and what it works in is what the layers say of
/// themselves (`savedBytes`, `backwardBytes`, beside the code that takes the memory).
package struct MemoryPlan: Sendable, Equatable {
  /// The frozen weights.
  package let base: Int
  /// Trained tensors, their gradients and both moments of the optimizer.
  package let adapter: Int
  /// What the largest micro-batch keeps for backward, and scratch.
  package let activations: Int

  package var total: Int { base + adapter + activations }

  /// - Parameters:
  ///   - tokens: Of the largest micro-batch.
  ///   - outputs: Tokens that come out of the last layer (`SelectedTokens.count`).
  ///   - checkpointing: Whether a layer keeps its input only.
  ///   - targets: The layers that get an adapter.
  ///   - keptBytes: Of the weight of a linear layer that stays as its file has it; nil: `storage` decides.
  package init(
    _ specification: ModelSpecification, storage: WeightStorage, tokens: Int,
    outputs: Int, checkpointing: Bool, method: any AdapterMethod, targets: [Site],
    keptBytes: (Site) -> Int? = { _ in nil }
  ) {
    let type = storage.type.dataType
    base = specification.sites.reduce(0) { sum, site in
      switch site.role {
      case .linear: sum + (keptBytes(site) ?? storage.bytes(site))
      case .embedding, .positions, .head: sum + site.count * type.size
      case .norm, .bias, .router: sum + site.count * DataType.float32.size
      }
    }
    adapter = 4 * DataType.float32.size * targets.reduce(0) { $0 + method.parameterCount($1) }
    let stream = specification.hiddenSize * DataType.float32.size
    let firstTrained = targets.compactMap(\.layer).min() ?? specification.blocks.count
    // Experts make again what their adapters would keep.
    let kept = targets.filter { $0.expert == nil }
    let adapterBytes = kept.reduce(into: [Int: Int]()) { bytes, site in
      // Of the last layer all tokens as well: little, and never too few.
      bytes[site.layer ?? 0, default: 0] +=
        method.savedBytes(site, tokens: tokens, activations: type)
    }
    let last = specification.blocks.count - 1
    let trained = specification.blocks.enumerated().dropFirst(firstTrained)
    let saved = trained.map { index, block in
      block.savedBytes(
        tokens: tokens, outputs: index == last ? outputs : tokens,
        width: specification.hiddenSize, activations: type)
        + adapterBytes[index, default: 0]
    }
    let savedBytes = checkpointing ? saved.max() ?? 0 : saved.reduce(0, +)
    let backward =
      trained.map { index, block in
        block.backwardBytes(
          tokens: tokens, outputs: index == last ? outputs : tokens,
          width: specification.hiddenSize, activations: type)
      }.max() ?? 0
    let loss = Self.lossBytes(specification, tokens: outputs, activations: type)
    // Every trained layer's input, two more that the others take turns with, what comes out of the last,
    // and the gradient, of all tokens and where it differs of those.
    let streams =
      (trained.count + 2) * tokens + outputs + (outputs == tokens ? 0 : outputs)
    activations = streams * stream + savedBytes + max(backward, loss)
  }

  /// Hidden states, the factors of their norm, their gradient and a chunk of logits.
  private static func lossBytes(
    _ specification: ModelSpecification, tokens: Int, activations type: DataType
  ) -> Int {
    let (width, words) = (specification.hiddenSize, specification.vocabularySize)
    return 2 * tokens * width * type.size
      + specification.finalNorm.statisticsBytes(count: tokens * width)
      + Kernels.linearCrossEntropyScratch(
        tokens: tokens, vocabulary: words, width: width, type: type)
  }
}

extension WeightStorage {
  /// Bytes of a linear layer's weight.
  fileprivate func bytes(_ site: Site) -> Int {
    guard quantization == .nf4 else { return site.count * type.dataType.size }
    let blocks = NF4Weight.blockCount(of: site.count)
    let scales =
      doubleQuantization ? blocks + 4 * NF4Weight.nestedBlockCount(of: blocks) : 4 * blocks
    return (site.count + 1) / 2 + scales
  }
}
