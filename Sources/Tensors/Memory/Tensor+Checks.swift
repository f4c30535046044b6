/// What kernels check before they hand pointers to C: a wrong shape is a mistake of the program.
extension Tensor {
  /// The number of rows when the elements are read as rows of `width`.
  func rows(ofWidth width: Int, _ name: StaticString) -> Int {
    precondition(
      width > 0 && count % width == 0, "\(name) \(shape) is not made of rows of \(width)")
    return count / width
  }

  func requireCount(_ expected: Int, _ name: StaticString) {
    precondition(count == expected, "\(name) \(shape) has \(count) elements, expected \(expected)")
  }

  func requireSameShape(_ other: Tensor, _ name: StaticString) {
    precondition(shape == other.shape, "\(name): shapes \(shape) and \(other.shape) differ")
  }
}

extension Workspace {
  /// Scratch memory for the length of `body`.
  func withScratch(byteCount: Int, _ body: (UnsafeMutableRawPointer) -> Void) {
    scope { body(tensor([byteCount], .uint8).pointer) }
  }
}
