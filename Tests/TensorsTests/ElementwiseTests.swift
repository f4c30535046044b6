import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct Elementwise {
    static let counts = raggedSizes + [0, 32768, 100_001]

    @Test(arguments: counts) func addAndScale(count: Int) {
      var random = SplitMix64(seed: UInt64(count))
      let (x, y) = (random.floats(count), random.floats(count))
      let sum = Tensor.floats(y)
      Kernels.add(.floats(x), into: sum)
      #expect(firstDifference(sum.floats, zip(x, y).map { $1 + $0 }) == nil)
      Kernels.scale(sum, by: -0.3)
      #expect(firstDifference(sum.floats, zip(x, y).map { ($1 + $0) * -0.3 }) == nil)
      let copy = Tensor.zeros([1, count])
      Kernels.copy(sum, into: copy)
      #expect(copy.floats == sum.floats)
    }

    @Test(arguments: [0, 1, 7, 577, 32769, 32768 * 65 + 3]) func sumOfSquares(count: Int) {
      var random = SplitMix64(seed: UInt64(count))
      let (x, y) = (random.floats(count), random.floats(5))
      let out = Tensor.zeros([1], .float64)
      Kernels.sumOfSquares([.floats(x), .floats(y)], out: out)
      let expected = (doubles(x) + doubles(y)).reduce(0) { $0 + $1 * $1 }
      #expect(abs(out.scalar - expected) <= 1e-10 * expected)
    }

    /// Squares beyond the range of float32 still have a sum.
    @Test func sumOfSquaresOfLargeNumbers() {
      let out = Tensor.zeros([1], .float64)
      Kernels.sumOfSquares([.floats([1e30, 1e30])], out: out)
      #expect(abs(out.scalar - 2e60) < 1e54)
    }

    @Test func sumOfSquaresDoesNotDependOnThreads() {
      var random = SplitMix64(seed: 1)
      let x = Tensor.floats(random.floats(32768 * 70))
      let difference = differenceBetweenThreadCounts {
        let out = Tensor.zeros([1], .float64)
        Kernels.sumOfSquares([x], out: out)
        let bits = out.scalar.bitPattern
        return [
          Float(bitPattern: UInt32(truncatingIfNeeded: bits)),
          Float(bitPattern: UInt32(bits >> 32)),
        ]
      }
      #expect(difference == nil)
    }

    @Test(arguments: raggedSizes) func embedding(T: Int) {
      var random = SplitMix64(seed: UInt64(T))
      let (V, D) = (50, 33)
      let weight = random.floats(V * D)
      let ids = random.integers(T, in: 0..<Int32(V))
      let out = Tensor.zeros([T, D])
      Kernels.embedding(ids: .integers(ids), weight: .floats(weight, [V, D]), out: out)
      #expect(out.floats == ids.flatMap { weight[Int($0) * D..<(Int($0) + 1) * D] })
    }
  }
}
