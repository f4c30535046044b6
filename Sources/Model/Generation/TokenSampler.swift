import Foundation
package import Tensors

/// Chooses the next token from logits.
package struct TokenSampler: Sendable {
  /// 0 is greedy: the most likely token, the lowest id among equals.
  package let temperature: Double
  /// Samples from the smallest set of tokens whose probability reaches this (nucleus sampling,
  /// Holtzman et al. 2020, arXiv:1904.09751); 1 keeps all.
  package let topP: Double
  package let seed: UInt64

  package init(temperature: Double, topP: Double = 1, seed: UInt64 = 0) {
    self.temperature = temperature
    self.topP = topP
    self.seed = seed
  }

  /// - Parameters:
  ///   - logits: [1, V] float32
  ///   - index: Number of the token in the answer; the counter of the random number.
  package func choose(_ logits: Tensor, index: Int) -> Int32 {
    let values = logits.toArray(Float.self)
    guard temperature > 0 else { return Self.argmax(values) }
    let peak = Double(values.max() ?? 0)
    var weights = values.map { exp((Double($0) - peak) / temperature) }
    if topP < 1 { Self.keepNucleus(&weights, topP) }
    let total = weights.reduce(0, +)
    let point = Double(Random(RandomKey(seed: seed, .sampling)).uniform(index)) * total
    var sum = 0.0
    for (id, weight) in weights.enumerated() where weight > 0 {
      sum += weight
      if sum > point { return Int32(id) }
    }
    return Self.argmax(values)
  }

  private static func argmax(_ values: [Float]) -> Int32 {
    var best = 0
    for (id, value) in values.enumerated() where value > values[best] { best = id }
    return Int32(best)
  }

  private static func keepNucleus(_ weights: inout [Double], _ topP: Double) {
    let order = weights.indices.sorted { weights[$0] > weights[$1] }
    let wanted = topP * weights.reduce(0, +)
    var sum = 0.0
    for id in order {
      if sum >= wanted { weights[id] = 0 } else { sum += weights[id] }
    }
  }
}

extension CausalLM {
  /// Continues `prompt` until an end token, the limit or the caller stops it.
  ///
  /// - Parameters:
  ///   - adapters: nil: the base alone answers.
  ///   - stopTokens: Ids that end the answer; the one met is not reported.
  ///   - onToken: Called with each token; false stops.
  /// - Returns: The new tokens.
  package func generate(
    prompt: [Int32], adapters: AdapterSet?, maxNewTokens: Int, sampler: TokenSampler,
    stopTokens: Set<Int32>, onToken: (Int32) -> Bool = { _ in true }
  ) -> [Int32] {
    // The last token of an answer needs no position.
    let room = specification.longestSequence.map { $0 - prompt.count + 1 } ?? maxNewTokens
    let maxNewTokens = min(maxNewTokens, room)
    let cache = KeyValueCache(
      specification, capacity: prompt.count + max(maxNewTokens, 1))
    var answer: [Int32] = []
    var input = prompt
    while answer.count < maxNewTokens {
      let next = workspace.scope {
        sampler.choose(nextLogits(input, adapters: adapters, cache: cache), index: answer.count)
      }
      guard !stopTokens.contains(next) else { break }
      answer.append(next)
      guard onToken(next) else { break }
      input = [next]
    }
    return answer
  }
}
