import Foundation
import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct Routing {
    /// The k largest, and their weights.
    static func reference(
      _ logits: [Double], chosen: Int, normalize: Bool
    ) -> (choices: [Int], weights: [Double]) {
      let sum = logits.reduce(0) { $0 + exp($1) }
      let probabilities = logits.map { exp($0) / sum }
      let best = probabilities.indices.sorted {
        (probabilities[$0], $1) > (probabilities[$1], $0)
      }.prefix(chosen)
      let weights = best.map { probabilities[$0] }
      let total = normalize ? weights.reduce(0, +) : 1
      return (Array(best), weights.map { $0 / total })
    }

    @Test(arguments: [(1, 1, 1), (3, 4, 2), (100, 8, 2), (65, 128, 8), (2, 5, 5)], [false, true])
    func choosesTheLargest(size: (T: Int, experts: Int, chosen: Int), normalize: Bool) {
      let (T, experts, chosen) = size
      var random = SplitMix64(seed: UInt64(T * experts))
      let logits = random.floats(T * experts, in: -3...3)
      let probabilities = Tensor.floats(logits, [T, experts])
      let choices = Tensor.zeros([T, chosen], .int32)
      let weights = Tensor.zeros([T, chosen])
      Kernels.route(probabilities, normalize: normalize, choices: choices, weights: weights)
      let dWeights = random.floats(T * chosen)
      let dLogits = Tensor.zeros([T, experts])
      Kernels.routeBackward(
        dWeights: .floats(dWeights), probabilities: probabilities, normalize: normalize,
        choices: choices, weights: weights, dLogits: dLogits)
      for t in 0..<T {
        let row = doubles(Array(logits[t * experts..<(t + 1) * experts]))
        let range = t * chosen..<(t + 1) * chosen
        let expected = Self.reference(row, chosen: chosen, normalize: normalize)
        #expect(choices.toArray(Int32.self)[range].map(Int.init) == expected.choices)
        #expect(worstMismatch(Array(weights.floats[range]), expected.weights) == nil)
        // Which experts are chosen does not change within a small step.
        let gradient = numericalGradient(
          of: { logits in
            let result = Self.reference(logits, chosen: chosen, normalize: normalize)
            return dot(result.weights, doubles(Array(dWeights[range])))
          }, at: row)
        #expect(
          worstMismatch(
            Array(dLogits.floats[t * experts..<(t + 1) * experts]), gradient, relative: 1e-4,
            absolute: 1e-6) == nil)
      }
    }

    @Test func rowsHaveFactorsAndProducts() {
      var random = SplitMix64(seed: 3)
      for D in [1, 64, 1500] {
        let (x, y, factors) = (random.floats(5 * D), random.floats(5 * D), random.floats(5))
        let scaled = Tensor.zeros([5, D])
        Kernels.scaleRows(.floats(x, [5, D]), by: .floats(factors), into: scaled)
        #expect(scaled.floats == x.indices.map { x[$0] * factors[$0 / D] })
        let dots = Tensor.zeros([5])
        Kernels.rowDots(.floats(x, [5, D]), .floats(y, [5, D]), out: dots)
        let expected = (0..<5).map { t in
          (0..<D).reduce(0.0) { $0 + Double(x[t * D + $1]) * Double(y[t * D + $1]) }
        }
        #expect(worstMismatch(dots.floats, expected, absolute: 1e-5) == nil)
      }
    }
  }
}
