extension Kernels {
  /// Sets the number of threads that kernels share, for the whole process. Results do not depend
  /// on it.
  package static func setThreads(_ count: Int) {
    fatalError("not built yet")
  }

  /// The number of processors this process may run on.
  package static var defaultThreads: Int {
    fatalError("not built yet")
  }

  /// What the kernels found in this processor and its libraries, for the record of a run.
  package static var cpuFeatures: [String] {
    fatalError("not built yet")
  }
}
