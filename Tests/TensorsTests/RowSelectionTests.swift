import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct RowSelection {
    /// Ascending places among `T` rows; none, all, or some.
    private func places(_ T: Int, share: Double, _ random: inout SplitMix64) -> [Int32] {
      (0..<Int32(T)).filter { _ in Double.random(in: 0..<1, using: &random) < share }
    }

    @Test(arguments: [(1, 1), (7, 3), (300, 577), (5000, 24)], [0, 0.1, 0.6, 1])
    func equalsReference(size: (T: Int, D: Int), share: Double) {
      for type in [DataType.float32, .bfloat16] {
        expectReference(size.T, size.D, share: share, type)
      }
    }

    private func expectReference(_ T: Int, _ D: Int, share: Double, _ type: DataType) {
      var random = SplitMix64(seed: UInt64(T))
      let chosen = places(T, share: share, &random)
      let indices = Tensor.integers(chosen)
      let all = Tensor.floats(random.floats(T * D), [T, D]).converted(to: type)
      let some = Tensor.floats(random.floats(chosen.count * D), [chosen.count, D])
        .converted(to: type)
      let (before, added) = (all.widened, some.widened)

      let gathered = Tensor.floats(
        [Float](repeating: 7, count: chosen.count * D), [chosen.count, D]
      ).converted(to: type)
      Kernels.gatherRows(all, places: indices, out: gathered)
      #expect(gathered.widened == chosen.flatMap { before[Int($0) * D..<(Int($0) + 1) * D] })

      var (spread, sum) = ([Float](repeating: 0, count: T * D), before)
      for (i, place) in chosen.enumerated() {
        for d in 0..<D {
          spread[Int(place) * D + d] = added[i * D + d]
          sum[Int(place) * D + d] += added[i * D + d]
        }
      }
      // Garbage that must be overwritten.
      let scattered = Tensor.floats([Float](repeating: 7, count: T * D), [T, D])
        .converted(to: type)
      Kernels.scatterRows(some, places: indices, out: scattered)
      #expect(scattered.widened == spread)
      Kernels.addRows(some, places: indices, into: all)
      #expect(all.widened == Tensor.floats(sum).converted(to: type).widened)
    }

    @Test func bitsDoNotDependOnThreads() {
      var random = SplitMix64(seed: 5)
      let (T, D) = (3000, 64)
      let chosen = places(T, share: 0.5, &random)
      let (all, some) = (random.floats(T * D), random.floats(chosen.count * D))
      let difference = differenceBetweenThreadCounts {
        let sum = Tensor.floats(all, [T, D])
        let rows = Tensor.floats(some, [chosen.count, D])
        let spread = Tensor.zeros([T, D])
        Kernels.addRows(rows, places: .integers(chosen), into: sum)
        Kernels.scatterRows(rows, places: .integers(chosen), out: spread)
        return sum.floats + spread.floats
      }
      #expect(difference == nil)
    }

    @Test func rowsOfAnotherWidthTrap() async {
      await #expect(processExitsWith: .failure) {
        Kernels.gatherRows(
          Tensor.zeros([4, 3]), places: .integers([1, 2]), out: Tensor.zeros([2, 2]))
      }
    }
  }
}
