/// Writes a GGUF file (version 3) tensor by tensor, so that no more than one of them is in memory.
///
/// Layout (ggml's `gguf.md`): magic, version, counts, key/value pairs, tensor descriptions, padding to
/// the alignment, then the tensors in the order of their descriptions, each padded. llama.cpp insists
/// that every offset is the sum of the padded sizes before it.
package final class GGUFWriter {
  /// Name, type and shape of a tensor to come.
  package struct Entry: Sendable, Equatable {
    package let name: String
    package let type: GGMLType
    /// Outermost dimension first, as PyTorch says it.
    package let shape: [Int]

    package init(_ name: String, _ type: GGMLType, _ shape: [Int]) {
      self.name = name
      self.type = type
      self.shape = shape
    }

    package var byteCount: Int {
      shape.reduce(1, *) / type.blockElements * type.blockBytes
    }
  }

  package static let version: UInt32 = 3
  package static let alignment = 32
  /// Longer names do not fit llama.cpp's own records.
  package static let longestName = 63

  private let file: OutputFile
  private let entries: [Entry]
  /// The tensor that is being written, and how many of its bytes are.
  private var current = 0
  private var written = 0

  /// Writes the header. Keys and names must be unique; every row must be whole blocks.
  package init(
    _ file: OutputFile, metadata: [(key: String, value: GGUFField)], entries: [Entry]
  ) throws(Problem) {
    for entry in entries {
      precondition(
        (1...Self.longestName).contains(entry.name.utf8.count)
          && (1...GGUFPart.maximumDimensions).contains(entry.shape.count)
          && (entry.shape.last ?? 0).isMultiple(of: entry.type.blockElements)
          && entry.byteCount > 0,
        "\(entry.name): \(entry.type.name) \(entry.shape) cannot be written")
    }
    precondition(Set(entries.map(\.name)).count == entries.count, "a tensor name stands twice")
    precondition(Set(metadata.map(\.key)).count == metadata.count, "a key stands twice")
    self.file = file
    self.entries = entries
    let header = Self.header(metadata, entries)
    let data = entries.reduce(0) { $0 + $1.byteCount.roundedUp(to: Self.alignment) }
    try file.requireSpace(header.count + data)
    try file.write(header)
  }

  /// Writes the next bytes of a tensor; tensors come in the order of their entries.
  package func write(_ bytes: UnsafeRawBufferPointer, of name: String) throws(Problem) {
    precondition(current < entries.count, "\(name) comes after the last tensor")
    let entry = entries[current]
    precondition(entry.name == name, "\(name) comes where \(entry.name) belongs")
    precondition(bytes.count <= entry.byteCount - written, "\(name) has fewer bytes")
    try file.write(bytes)
    written += bytes.count
    guard written == entry.byteCount else { return }
    try file.write([UInt8](repeating: 0, count: Self.padding(entry.byteCount)))
    current += 1
    written = 0
  }

  /// Every tensor must have been written.
  package func finish() {
    precondition(current == entries.count, "\(entries[current].name) was not written")
  }

  /// A tensor and the function that brings its bytes: it calls its argument with them, in order, in
  /// one or several pieces.
  package struct Source {
    package let entry: Entry
    let bring: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

    package init(
      _ entry: Entry, bring: @escaping ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) {
      self.entry = entry
      self.bring = bring
    }
  }

  /// Writes a whole file, which appears under its name when it is complete.
  ///
  /// - Parameter progress: Called with the fraction of bytes that are written.
  package static func write(
    _ path: String, metadata: [(key: String, value: GGUFField)], tensors: [Source],
    progress: (Double) -> Void = { _ in }
  ) throws {
    try AtomicFile.write(path) { file in
      let writer = try GGUFWriter(file, metadata: metadata, entries: tensors.map(\.entry))
      let total = tensors.reduce(0) { $0 + $1.entry.byteCount }
      var done = 0
      for tensor in tensors {
        try tensor.bring { try writer.write($0, of: tensor.entry.name) }
        done += tensor.entry.byteCount
        progress(Double(done) / Double(max(total, 1)))
      }
      writer.finish()
    }
  }

  // MARK: - Header

  private static func padding(_ count: Int) -> Int { count.roundedUp(to: alignment) - count }

  private static func header(
    _ metadata: [(key: String, value: GGUFField)], _ entries: [Entry]
  ) -> [UInt8] {
    var bytes = GGUFFile.magic
    bytes.append(littleEndian: version)
    bytes.append(littleEndian: UInt64(entries.count))
    bytes.append(littleEndian: UInt64(metadata.count))
    for (key, value) in metadata {
      bytes.append(counted: key)
      value.append(to: &bytes)
    }
    var offset: UInt64 = 0
    for entry in entries {
      bytes.append(counted: entry.name)
      bytes.append(littleEndian: UInt32(entry.shape.count))
      for size in entry.shape.reversed() { bytes.append(littleEndian: UInt64(size)) }
      bytes.append(littleEndian: entry.type.rawValue)
      bytes.append(littleEndian: offset)
      offset += UInt64(entry.byteCount.roundedUp(to: alignment))
    }
    bytes += [UInt8](repeating: 0, count: padding(bytes.count))
    return bytes
  }
}
