import Foundation
import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct Rope {
    @Test(arguments: [1, 7, 300], [(1, 2), (3, 64), (5, 14)])
    func equalsReferenceAndIsUndone(T: Int, head: (count: Int, E: Int)) {
      let (heads, E) = head
      var random = SplitMix64(seed: UInt64(T * 100 + E))
      let x = random.floats(T * heads * E)
      let positions = random.integers(T, in: 0..<50)
      let angles = random.floats(50 * E / 2, in: -3...3).map(Double.init)
      let cosines = Tensor.floats(angles.map { Float(cos($0)) }, [50, E / 2])
      let sines = Tensor.floats(angles.map { Float(sin($0)) }, [50, E / 2])
      let tensor = Tensor.floats(x, [T, heads * E])
      let places = Tensor.integers(positions)

      Kernels.rope(
        x: tensor, positions: places, cos: cosines, sin: sines, headDimension: E, rotated: E,
        inverse: false)
      let rows = positions.map { Array(angles[Int($0) * E / 2..<(Int($0) + 1) * E / 2]) }
      let expected = Reference.rope(doubles(x), angles: rows, heads: heads, E: E)
      #expect(worstMismatch(tensor.floats, expected) == nil)

      // A rotation's inverse is its transpose, and so its backward pass.
      Kernels.rope(
        x: tensor, positions: places, cos: cosines, sin: sines, headDimension: E, rotated: E,
        inverse: true)
      #expect(worstMismatch(tensor.floats, x) == nil)
    }

    @Test func bitsDoNotDependOnThreads() {
      var random = SplitMix64(seed: 5)
      let (T, heads, E) = (577, 9, 64)
      let x = random.floats(T * heads * E)
      let table = Tensor.floats(random.floats(T * E / 2), [T, E / 2])
      let positions = Tensor.integers((0..<Int32(T)).map { $0 })
      let difference = differenceBetweenThreadCounts {
        let tensor = Tensor.floats(x, [T, heads * E])
        Kernels.rope(
          x: tensor, positions: positions, cos: table, sin: table, headDimension: E, rotated: E,
          inverse: false)
        return tensor.floats
      }
      #expect(difference == nil)
    }
  }
}
