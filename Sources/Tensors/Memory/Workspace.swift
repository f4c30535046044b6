/// Memory for activations and scratch, handed out like a stack.
///
/// One large range of addresses is reserved up front and becomes real memory when first touched, so
/// a steady-state step allocates nothing and peak memory is the deepest point of the stack.
/// A tensor from here is valid until the workspace is released to a mark taken before it.
package final class Workspace {
  private let base: UnsafeMutableRawPointer
  private let capacity: Int
  private var used = 0
  /// What is handed out at the moment, in bytes.
  package var usedBytes: Int { used }
  /// The deepest the stack has been, in bytes.
  package private(set) var peakBytes = 0

  /// - Parameter capacity: Addresses to reserve, in bytes; costs nothing until used.
  package init(capacity: Int = 1 << 40) {
    var size = capacity
    var memory = PageMemory.map(size)
    while memory == nil, size > 1 << 30 {
      size /= 2
      memory = PageMemory.map(size)
    }
    guard let memory else { fatalError("cannot reserve \(size) bytes of addresses") }
    base = memory
    self.capacity = size
  }

  deinit { PageMemory.unmap(base, capacity) }

  /// A position of the stack to come back to.
  package struct Mark { fileprivate let used: Int }

  package func mark() -> Mark { Mark(used: used) }

  /// Gives back everything handed out since the mark.
  package func release(to mark: Mark) { used = mark.used }

  /// Runs `body`, then gives back what it took.
  package func scope<Result>(_ body: () throws -> Result) rethrows -> Result {
    let start = mark()
    defer { release(to: start) }
    return try body()
  }

  /// Memory with *undefined* contents, aligned to a cache line.
  package func tensor(_ shape: [Int], _ dataType: DataType = .float32) -> Tensor {
    let bytes = (shape.reduce(1, *) * dataType.size + 63) & ~63
    precondition(used + bytes <= capacity, "the workspace of \(capacity) bytes is full")
    defer {
      used += bytes
      peakBytes = max(peakBytes, used)
    }
    return Tensor(shape: shape, dataType: dataType, pointer: base + used, owner: nil)
  }
}
