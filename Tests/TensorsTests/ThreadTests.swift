import Foundation
import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct Threads {
    @Test func processorIsDescribed() {
      #expect(Kernels.defaultThreads >= 1)
      let features = Kernels.cpuFeatures
      #expect(features.contains { $0.hasPrefix("kernels: ") })
      #expect(features.allSatisfy { !$0.isEmpty && !$0.contains("\n") })
    }

    @Test func threadCountIsSet() {
      defer { Kernels.setThreads(2) }
      for count in [1, 5, 2, 16] {
        Kernels.setThreads(count)
        #expect(Kernels.threads == count)
      }
    }

    /// Many short regions in a row, more threads than processors: no task is lost or run twice.
    @Test(arguments: [2, 3, 16]) func everyTaskRunsOnce(threads: Int) {
      Kernels.setThreads(threads)
      defer { Kernels.setThreads(2) }
      let count = 32768 * 9 + 5
      let ones = Tensor.floats([Float](repeating: 1, count: count))
      let sum = Tensor.zeros([count])
      for _ in 0..<200 { Kernels.add(ones, into: sum) }
      #expect(sum.floats.allSatisfy { $0 == 200 })
    }

    /// Several callers at once while the number of threads changes: one gets the pool, the others
    /// work alone, and scratch memory is never shared.
    @Test func callersDoNotDisturbEachOther() {
      defer { Kernels.setThreads(2) }
      let test = AttentionCase(starts: [0, 300, 333], H: 6, G: 2, E: 16)
      let inputs = test.inputs(seed: 31)
      let expected = test.run(inputs, Workspace(capacity: 1 << 30))
      DispatchQueue.concurrentPerform(iterations: 24) { index in
        if index % 6 == 5 {
          Kernels.setThreads(1 + index % 5)
        } else {
          let result = test.run(inputs, Workspace(capacity: 1 << 30))
          #expect(firstDifference(result.out + result.dK, expected.out + expected.dK) == nil)
        }
      }
    }
  }

  @Suite struct Memory {
    @Test func workspaceIsAStack() {
      let workspace = Workspace(capacity: 1 << 20)
      let first = workspace.tensor([3])
      let mark = workspace.mark()
      let second = workspace.tensor([5])
      workspace.release(to: mark)
      let third = workspace.tensor([7])
      second.copy(from: [Float](repeating: 1, count: 5))
      #expect(third.floats[..<5] == [1, 1, 1, 1, 1])  // the same memory
      first.copy(from: [Float](repeating: 2, count: 3))
      #expect(third.floats[0] == 1)  // another
      #expect(workspace.peakBytes == 128)
    }

    @Test func fullWorkspaceTraps() async {
      await #expect(processExitsWith: .failure) {
        let workspace = Workspace(capacity: 1 << 16)
        _ = workspace.tensor([1 << 15])
      }
    }

    @Test func rowsAndShapesShareMemory() {
      let tensor = Tensor.floats([1, 2, 3, 4, 5, 6], [3, 2])
      let row = tensor.rows(1..<2)
      #expect(row.shape == [1, 2] && row.floats == [3, 4])
      row.copy(from: [7, 8] as [Float])
      #expect(tensor.reshaped([2, 3]).floats == [1, 2, 7, 8, 5, 6])
    }

    @Test func wrongShapesTrap() async {
      await #expect(processExitsWith: .failure) {
        Kernels.add(Tensor.zeros([2]), into: Tensor.zeros([3]))
      }
    }
  }
}
