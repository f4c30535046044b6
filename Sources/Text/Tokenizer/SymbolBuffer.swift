/// The symbols of a word while its pairs are merged: id, end (bytes from the start of the word) and
/// the merge with the symbol behind.
final class SymbolBuffer {
  private(set) var ids: UnsafeMutablePointer<Int32>
  private(set) var ends: UnsafeMutablePointer<Int32>
  private(set) var pairs: UnsafeMutablePointer<UInt64>
  private var capacity = 256

  init() {
    ids = .allocate(capacity: capacity)
    ends = .allocate(capacity: capacity)
    pairs = .allocate(capacity: capacity)
  }

  deinit { deallocate() }

  /// Makes room for `count` symbols; what was here is lost.
  func reserve(_ count: Int) {
    if count <= capacity { return }
    deallocate()
    capacity = count.nextPowerOfTwo
    ids = .allocate(capacity: capacity)
    ends = .allocate(capacity: capacity)
    pairs = .allocate(capacity: capacity)
  }

  /// Closes the gaps that merged symbols (id -1) have left; returns how many symbols remain.
  func compact(_ count: Int) -> Int {
    var kept = 0
    for index in 0..<count where ids[index] >= 0 {
      (ids[kept], ends[kept]) = (ids[index], ends[index])
      kept += 1
    }
    return kept
  }

  private func deallocate() {
    ids.deallocate()
    ends.deallocate()
    pairs.deallocate()
  }
}
