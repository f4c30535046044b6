import Dispatch
import Synchronization

/// Work on a long text, shared out between all cores. It is cut by its size, never by the number of
/// cores, so results do not depend on them.
enum SharedWork {
  /// Texts of fewer bytes are not worth it.
  static let smallest = 1 << 17
  /// Bytes of a stretch.
  private static let stretch = 1 << 15

  /// Stretches of neighbouring words of about equally many bytes, as indices.
  static func stretches(of words: [Range<Int>]) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var (start, bytes) = (0, 0)
    for (index, word) in words.enumerated() {
      bytes += word.count
      guard bytes >= Self.stretch || index == words.count - 1 else { continue }
      result.append(start..<index + 1)
      (start, bytes) = (index + 1, 0)
    }
    return result
  }

  /// The results of `body` for all items, in their order.
  static func run<Item, Result>(_ items: [Item], _ body: (Item) -> Result) -> [Result] {
    var results = [Result?](repeating: nil, count: items.count)
    results.withUnsafeMutableBufferPointer { results in
      // Every iteration writes its own element.
      nonisolated(unsafe) let results = results
      nonisolated(unsafe) let body = body
      nonisolated(unsafe) let items = items
      DispatchQueue.concurrentPerform(iterations: items.count) { results[$0] = body(items[$0]) }
    }
    return results.compactMap { $0 }
  }
}
