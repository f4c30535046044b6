import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct Matmul {
    let workspace = Workspace(capacity: 1 << 30)

    @Test(arguments: [
      (1, 1, 1), (1, 577, 64), (7, 8, 577), (64, 97, 7), (577, 8, 64), (8, 64, 300),
      (300, 700, 9), (577, 64, 17), (3, 1, 5), (2, 1000, 130),
    ])
    func equalsReference(M: Int, N: Int, K: Int) {
      var random = SplitMix64(seed: UInt64(M * 1000 + N * 10 + K))
      let a = random.floats(M * K)
      let b = random.floats(K * N)
      let before = random.floats(M * N)
      for (transposeA, transposeB) in [(false, false), (false, true), (true, false), (true, true)] {
        let expected = Reference.matmul(
          doubles(a), doubles(b), M, N, K, transposeA: transposeA, transposeB: transposeB)
        let left = Tensor.floats(a, transposeA ? [K, M] : [M, K])
        let right = Tensor.floats(b, transposeB ? [N, K] : [K, N])
        let written = Tensor.floats(before, [M, N])
        let added = Tensor.floats(before, [M, N])
        Kernels.matmul(
          a: left, b: right, out: written, transposeA: transposeA, transposeB: transposeB,
          workspace: workspace)
        Kernels.matmul(
          a: left, b: right, out: added, transposeA: transposeA, transposeB: transposeB,
          alpha: -0.5, accumulate: true, workspace: workspace)
        #expect(
          worstMismatch(written.floats, expected, absolute: 1e-5 * Double(K).squareRoot()) == nil)
        let sums = zip(before, expected).map { Double($0) - 0.5 * $1 }
        #expect(worstMismatch(added.floats, sums, absolute: 1e-5 * Double(K).squareRoot()) == nil)
      }
    }

    @Test func emptyContractionGivesZeros() {
      let out = Tensor.floats([1, 2, 3, 4, 5, 6], [2, 3])
      let (a, b) = (Tensor.zeros([2, 0]), Tensor.zeros([0, 3]))
      Kernels.matmul(a: a, b: b, out: out, accumulate: true, workspace: workspace)
      #expect(out.floats == [1, 2, 3, 4, 5, 6])
      Kernels.matmul(a: a, b: b, out: out, workspace: workspace)
      #expect(out.floats == [0, 0, 0, 0, 0, 0])
    }

    @Test func emptyOutputsAreLegal() {
      let out = Tensor.zeros([0, 5])
      Kernels.matmul(
        a: Tensor.zeros([0, 3]), b: Tensor.zeros([3, 5]), out: out, workspace: workspace)
      #expect(out.floats.isEmpty)
    }

    @Test(arguments: [(577, 576, 300), (1, 4000, 600), (8, 577, 2000), (1536, 8, 512)])
    func bitsDoNotDependOnThreads(M: Int, N: Int, K: Int) {
      var random = SplitMix64(seed: 1)
      let a = Tensor.floats(random.floats(M * K), [M, K])
      let b = Tensor.floats(random.floats(N * K), [N, K])
      let difference = differenceBetweenThreadCounts {
        let out = Tensor.zeros([M, N])
        Kernels.matmul(a: a, b: b, out: out, transposeB: true, workspace: workspace)
        return out.floats
      }
      #expect(difference == nil)
    }
  }
}
