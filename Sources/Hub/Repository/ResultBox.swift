import Synchronization

/// Where a thread leaves what it made.
final class ResultBox<Value: Sendable>: Sendable {
  private let contents = Mutex<Value?>(nil)
  var value: Value? { contents.withLock { $0 } }
  func put(_ value: Value) { contents.withLock { $0 = value } }
}
