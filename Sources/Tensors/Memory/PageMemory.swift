#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Memory straight from the system: zeros that become real when first touched.
enum PageMemory {
  /// nil where the system has no such range of addresses.
  static func map(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0),
      memory != MAP_FAILED
    else { return nil }
    madvise(memory, byteCount, MADV_HUGEPAGE)
    return memory
  }

  static func unmap(_ memory: UnsafeMutableRawPointer, _ byteCount: Int) {
    munmap(memory, byteCount)
  }
}
