import Rows
import Tensors
import Text

/// The processor threads that everything uses from now on.
enum ThreadCount {
  /// - Parameter count: nil for all.
  static func use(_ count: Int?) {
    let count = count ?? Kernels.defaultThreads
    Kernels.setThreads(count)
    Tokenizer.setThreads(count)
    RowThreads.use(count)
  }
}
