import Tensors
import Testing

@Suite struct TensorPoolTests {
  /// Small and large ones, an empty one, sizes that are no multiple of a cache line, and more than a
  /// piece holds.
  @Test func tensorsAreZeroAndApartAndOutliveThePool() {
    let counts = [3, 0, 1, 70_001, 9_000_000, 4_000_000, 4_000_000, 4_000_000, 4_000_000, 5]
    let tensors: [Tensor] = {
      let pool = TensorPool()
      return counts.map { Tensor.zeros([$0], in: pool) }
    }()
    for (index, tensor) in tensors.enumerated() {
      #expect(tensor.toArray(Float.self).allSatisfy { $0 == 0 })
      tensor.copy(from: [Float](repeating: Float(index + 1), count: tensor.count))
    }
    for (index, tensor) in tensors.enumerated() {
      #expect(tensor.count == counts[index])
      #expect(tensor.toArray(Float.self).allSatisfy { $0 == Float(index + 1) })
    }
  }
}
