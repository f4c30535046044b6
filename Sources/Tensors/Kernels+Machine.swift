import CKernels

extension Kernels {
  /// Sets the number of threads that kernels share, for the whole process. Results do not depend
  /// on it.
  package static func setThreads(_ count: Int) {
    precondition(count >= 1, "\(count) threads")
    ck_set_threads(count)
  }

  /// The number of processors this process may run on.
  package static var defaultThreads: Int { ck_available_processors() }

  /// What the kernels found in this processor and its libraries, for the record of a run.
  package static var cpuFeatures: [String] {
    let text = String(unsafeUninitializedCapacity: 4096) { buffer in
      buffer.withMemoryRebound(to: CChar.self) { characters in
        ck_cpu_features(characters.baseAddress, characters.count)
      }
      return buffer.firstIndex(of: 0) ?? 0
    }
    return text.split(separator: "\n").map(String.init)
  }

  /// Scratch slots to make for kernels whose threads need some each.
  static var workers: Int { ck_threads() }
}
