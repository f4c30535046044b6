#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// A file whose bytes appear in memory without being read: pages come from the disk when touched
/// and can be dropped again, so a model larger than memory can be walked through.
///
/// Sendable because nobody can write through it. Another program that cuts the file while it is
/// mapped ends this process, as with every memory-mapped reader.
package final class MappedFile: @unchecked Sendable {
  package let path: String
  private let bytes: UnsafeRawBufferPointer

  package var count: Int { bytes.count }

  package init(_ path: String) throws(Problem) {
    let input = try InputFile(path)
    self.path = path
    guard input.size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let start = mmap(nil, input.size, PROT_READ, MAP_PRIVATE, input.descriptor, 0),
      start != MAP_FAILED
    else {
      throw Problem(
        path, "cannot be mapped into memory: \(SystemFault.text(errno)); check the memory limits",
        kind: .run)
    }
    bytes = UnsafeRawBufferPointer(start: start, count: input.size)
  }

  deinit {
    guard let start = bytes.baseAddress else { return }
    munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
  }

  /// Calls `body` with the bytes of a range that was checked against `count`; they must not escape.
  package func withBytes<Result, Failure: Error>(
    _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // `self` is held by the caller for the whole call, so the mapping outlives `body`.
    try body(UnsafeRawBufferPointer(rebasing: bytes[range]))
  }

  /// Gives the memory of a range back to the system. Its bytes are read from the file again if they
  /// are asked for; until then they do not count as memory of this process.
  package func forget(_ range: Range<Int>) {
    let page = Int(getpagesize())
    // Whole pages inside the range: neighbours may be in use.
    let first = (range.lowerBound + page - 1) / page * page
    let end = range.upperBound / page * page
    guard first < end, let start = bytes.baseAddress else { return }
    madvise(UnsafeMutableRawPointer(mutating: start) + first, end - first, MADV_DONTNEED)
  }

  package func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withBytes(0..<count, body)
  }
}
