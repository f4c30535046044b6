/// A dense, row-major block of memory with a shape. Never shared between threads by callers:
/// parallelism lives inside the kernels.
///
/// Only this module touches elements; everyone else passes tensors to `Kernels`, or crosses the
/// host boundary with `copy(from:)` and `toArray`.
package final class Tensor {
  package let shape: [Int]
  package let dataType: DataType
  let pointer: UnsafeMutableRawPointer
  /// Keeps the memory alive: an allocation, a mapped file, or nothing for workspace memory.
  private let owner: AnyObject?

  /// Number of elements.
  package let count: Int

  package init(
    shape: [Int], dataType: DataType, pointer: UnsafeMutableRawPointer, owner: AnyObject?
  ) {
    self.shape = shape
    self.dataType = dataType
    self.pointer = pointer
    self.owner = owner
    self.count = shape.reduce(1, *)
  }

  package var byteCount: Int { count * dataType.size }

  /// Zero-filled memory of its own.
  package static func zeros(_ shape: [Int], _ dataType: DataType = .float32) -> Tensor {
    let bytes = shape.reduce(1, *) * dataType.size
    let allocation = Allocation(byteCount: bytes)
    return Tensor(shape: shape, dataType: dataType, pointer: allocation.pointer, owner: allocation)
  }

  /// Rows `range` of the first dimension, sharing memory.
  package func rows(_ range: Range<Int>) -> Tensor {
    precondition(range.upperBound <= (shape.first ?? 0), "rows \(range) of a tensor \(shape)")
    let stride = count / max(shape[0], 1) * dataType.size
    return Tensor(
      shape: [range.count] + shape.dropFirst(), dataType: dataType,
      pointer: pointer + range.lowerBound * stride, owner: owner ?? self)
  }

  /// The same memory under another shape of the same size.
  package func reshaped(_ shape: [Int]) -> Tensor {
    precondition(shape.reduce(1, *) == count, "reshape \(self.shape) to \(shape)")
    return Tensor(shape: shape, dataType: dataType, pointer: pointer, owner: owner ?? self)
  }
}

/// Zero-initialized, cache-line aligned memory that lives as long as the object.
///
/// Large pieces come from the system as zeros, in huge pages where it has them: they cost nothing until
/// touched, and less to walk through.
final class Allocation {
  let pointer: UnsafeMutableRawPointer
  private let mappedBytes: Int?

  private static let leastMapped = 1 << 20

  init(byteCount: Int) {
    if byteCount >= Self.leastMapped, let memory = PageMemory.map(byteCount) {
      pointer = memory
      mappedBytes = byteCount
      return
    }
    mappedBytes = nil
    pointer = .allocate(byteCount: max(byteCount, 1), alignment: 64)
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  }

  deinit {
    if let mappedBytes { PageMemory.unmap(pointer, mappedBytes) } else { pointer.deallocate() }
  }
}

// MARK: - Host boundary

extension Tensor {
  /// A tensor of its own that holds `values`.
  package static func from<Element: BitwiseCopyable>(
    _ values: [Element], shape: [Int]? = nil, _ dataType: DataType
  ) -> Tensor {
    let tensor = zeros(shape ?? [values.count], dataType)
    tensor.copy(from: values)
    return tensor
  }

  /// Overwrites the elements. `Element` must have the size of the data type.
  package func copy<Element: BitwiseCopyable>(from values: [Element]) {
    precondition(
      values.count == count && MemoryLayout<Element>.stride == dataType.size,
      "\(values.count) × \(Element.self) into \(shape) \(dataType)")
    values.withUnsafeBytes { bytes in
      if let source = bytes.baseAddress { pointer.copyMemory(from: source, byteCount: byteCount) }
    }
  }

  /// A copy of the elements. `Element` must have the size of the data type.
  package func toArray<Element: BitwiseCopyable>(_ type: Element.Type) -> [Element] {
    precondition(MemoryLayout<Element>.stride == dataType.size, "\(Element.self) from \(dataType)")
    return Array(
      UnsafeBufferPointer(start: pointer.assumingMemoryBound(to: Element.self), count: count))
  }

  /// The bytes of the elements, for writing to files and hashing.
  package func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(start: pointer, count: byteCount))
  }

  /// The bytes of the elements, for reading from files.
  package func withMutableBytes<Result, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeMutableRawBufferPointer(start: pointer, count: byteCount))
  }

  /// The first element as a number; for 1-element results of kernels.
  package var scalar: Double {
    switch dataType {
    case .float64: pointer.load(as: Double.self)
    case .float32: Double(pointer.load(as: Float.self))
    default: preconditionFailure("scalar of \(dataType)")
    }
  }

  package func fillWithZeros() {
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  }

  var f32: UnsafeMutablePointer<Float> {
    precondition(dataType == .float32, "expected float32, got \(dataType)")
    return pointer.assumingMemoryBound(to: Float.self)
  }
  var i32: UnsafeMutablePointer<Int32> {
    precondition(dataType == .int32, "expected int32, got \(dataType)")
    return pointer.assumingMemoryBound(to: Int32.self)
  }
  var f64: UnsafeMutablePointer<Double> {
    precondition(dataType == .float64, "expected float64, got \(dataType)")
    return pointer.assumingMemoryBound(to: Double.self)
  }
  var bf16: UnsafeMutablePointer<UInt16> {
    precondition(dataType == .bfloat16, "expected bfloat16, got \(dataType)")
    return pointer.assumingMemoryBound(to: UInt16.self)
  }
  /// The bits of 16-bit floats.
  var u16: UnsafeMutablePointer<UInt16> {
    precondition(dataType.size == 2, "expected a 16-bit type, got \(dataType)")
    return pointer.assumingMemoryBound(to: UInt16.self)
  }
  var u8: UnsafeMutablePointer<UInt8> {
    precondition(dataType == .uint8, "expected uint8, got \(dataType)")
    return pointer.assumingMemoryBound(to: UInt8.self)
  }
}
