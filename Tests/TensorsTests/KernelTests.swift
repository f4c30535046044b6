import Tensors
import TestSupport
import Testing

/// All kernel suites. One at a time, because the thread pool serves one caller at a time: a suite
/// beside it would keep the thread tests from using threads.
@Suite(.serialized) struct KernelTests {}

/// Sizes around vector widths, block sizes and task sizes.
let raggedSizes = [1, 7, 64, 577]

extension Tensor {
  static func floats(_ values: [Float], _ shape: [Int]? = nil) -> Tensor {
    Tensor.from(values, shape: shape, .float32)
  }

  static func integers(_ values: [Int32]) -> Tensor { Tensor.from(values, .int32) }

  var floats: [Float] { toArray(Float.self) }

  /// The elements in another type; the tensor itself where it has that type.
  func converted(to type: DataType) -> Tensor {
    guard type != dataType else { return self }
    let result = Tensor.zeros(shape, type)
    Kernels.convert(self, into: result)
    return result
  }

  /// The elements as float32, whatever the type.
  var widened: [Float] { converted(to: .float32).floats }
}

func doubles(_ values: [Float]) -> [Double] { values.map(Double.init) }

/// Runs `body` with 1, 2, 3 and 16 threads and returns the first difference from one thread.
func differenceBetweenThreadCounts(_ body: () -> [Float]) -> Mismatch? {
  defer { Kernels.setThreads(2) }
  Kernels.setThreads(1)
  let expected = body()
  for threads in [2, 3, 16] {
    Kernels.setThreads(threads)
    // More than once: which thread takes which task is left to chance.
    for _ in 0..<3 {
      if let difference = firstDifference(body(), expected) { return difference }
    }
  }
  return nil
}
