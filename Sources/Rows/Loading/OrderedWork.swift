import Foundation
import Synchronization

/// How many threads make tokens of rows at most; all of the machine's, unless `use` is called.
package enum RowThreads {
  private static let limit = Atomic<Int>(0)

  package static func use(_ count: Int) { limit.store(max(1, count), ordering: .relaxed) }

  static var count: Int {
    let limit = limit.load(ordering: .relaxed)
    return limit > 0 ? limit : ProcessInfo.processInfo.activeProcessorCount
  }
}

/// Pieces of work that several threads share. Results come out in the order in which the work went in.
///
/// Whoever submits works as well: with one thread there is no other.
final class OrderedWork<Item: Sendable, Output: Sendable> {
  private let line: WorkLine<Item, Output>
  private let helpers: Int
  private var started = 0

  /// - Parameter threads: How many work at a time, the one that submits among them.
  init(threads: Int, _ body: @escaping @Sendable (Item) -> Output) {
    line = WorkLine(body)
    helpers = threads - 1
  }

  deinit { line.stop() }

  /// Pieces that went in and did not come out.
  private(set) var inFlight = 0

  func submit(_ item: Item) {
    line.submit(item)
    inFlight += 1
    // The first piece is for whoever submits: a short file needs no threads.
    guard inFlight > 1, started < helpers else { return }
    started += 1
    line.startThread()
  }

  /// The result of the piece that went in first among those that did not come out.
  func next() -> Output {
    precondition(inFlight > 0, "no work is in flight")
    inFlight -= 1
    return line.next()
  }
}

/// What the threads share. Everything is guarded by `condition`.
private final class WorkLine<Item: Sendable, Output: Sendable>: @unchecked Sendable {
  private enum Piece {
    case waiting(Item)
    case running
    case done(Output)
  }

  private let body: @Sendable (Item) -> Output
  private let condition = NSCondition()
  private let threads = DispatchGroup()
  /// In the order in which they came; `taken` of them have gone out.
  private var pieces: [Piece] = []
  private var taken = 0
  private var isStopped = false

  init(_ body: @escaping @Sendable (Item) -> Output) { self.body = body }

  func submit(_ item: Item) {
    condition.lock()
    pieces.append(.waiting(item))
    condition.signal()
    condition.unlock()
  }

  func startThread() {
    threads.enter()
    let thread = Thread { [self] in
      work()
      threads.leave()
    }
    // As much as the main thread has: rows and templates may be deeply nested.
    thread.stackSize = 8 << 20
    thread.start()
  }

  func stop() {
    condition.lock()
    isStopped = true
    condition.broadcast()
    condition.unlock()
    threads.wait()
  }

  private func work() {
    condition.lock()
    defer { condition.unlock() }
    while !isStopped {
      if !runOne() { condition.wait() }
    }
  }

  func next() -> Output {
    condition.lock()
    defer { condition.unlock() }
    while true {
      if case .done(let output)? = pieces.first {
        pieces.removeFirst()
        taken += 1
        return output
      }
      if !runOne() { condition.wait() }
    }
  }

  /// Runs the first piece that waits, without the lock; false where none does.
  private func runOne() -> Bool {
    let waiting = pieces.firstIndex { if case .waiting = $0 { true } else { false } }
    guard let index = waiting, case .waiting(let item) = pieces[index] else { return false }
    let number = taken + index
    pieces[index] = .running
    condition.unlock()
    let output = body(item)
    condition.lock()
    pieces[number - taken] = .done(output)
    condition.broadcast()
    return true
  }
}
