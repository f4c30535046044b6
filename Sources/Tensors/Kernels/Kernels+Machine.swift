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

  /// The instruction set that kernels use, as `FINETUNE_CPU` calls it.
  package static var cpuLevel: String {
    cpuFeatures.first { $0.hasPrefix("kernels: ") }.map { String($0.dropFirst(9)) } ?? "plain"
  }

  /// What `FINETUNE_CPU` may be. A level that the processor does not have is lowered to its best.
  package static var cpuLevels: [String] {
    let levels = (0...).lazy.map { ck_cpu_level_name(ck_cpu_level(UInt32($0))) }
      .prefix { $0 != nil }.compactMap { $0.map { String(cString: $0) } }
    return Array(levels) + ["amx_emulated"]
  }

  /// The number of threads that kernels share; 1 until set.
  package static var threads: Int { ck_threads() }
}
