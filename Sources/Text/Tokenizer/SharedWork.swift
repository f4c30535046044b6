import Dispatch
import Synchronization

/// Work on a long text, shared out between threads. It is cut by its size, never by their number, so
/// results do not depend on them.
enum SharedWork {
  /// Texts of fewer bytes are not worth it.
  static let smallest = 1 << 17
  /// Bytes of a stretch.
  private static let stretch = 1 << 15
  /// How many threads work at a time at most.
  fileprivate static let limit = Atomic<Int>(.max)

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
    let workers = min(items.count, limit.load(ordering: .relaxed))
    let next = Atomic<Int>(0)
    results.withUnsafeMutableBufferPointer { results in
      // Every item is taken once, and its result is an element of its own.
      nonisolated(unsafe) let results = results
      nonisolated(unsafe) let body = body
      nonisolated(unsafe) let items = items
      DispatchQueue.concurrentPerform(iterations: workers) { _ in
        while true {
          let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
          if index >= items.count { return }
          results[index] = body(items[index])
        }
      }
    }
    return results.compactMap { $0 }
  }
}

extension Tokenizer {
  /// How many threads encode a long text at most; all of the machine's, unless this is called.
  package static func setThreads(_ count: Int) {
    SharedWork.limit.store(max(1, count), ordering: .relaxed)
  }
}
