/// Writes a safetensors file tensor by tensor, so that no more than one of them is in memory.
///
/// Sizes are known from types and shapes, so the header goes first and each tensor has its place:
/// tensors may be written in any order, each in one or several pieces. Like the reference
/// implementation, the file is laid out by falling element size, so that all data is aligned.
package final class SafetensorsWriter {
  /// Name, type and shape of a tensor to come.
  package struct Entry: Sendable, Equatable {
    package let name: String
    package let dtype: String
    package let shape: [Int]

    package init(_ name: String, _ dtype: String, _ shape: [Int]) {
      self.name = name
      self.dtype = dtype
      self.shape = shape
    }

    package var byteCount: Int {
      guard let count = SafetensorsFile.byteCount(dtype, shape) else {
        preconditionFailure("\(name): \(dtype) \(shape) has no size")
      }
      return count
    }
  }

  private let file: OutputFile
  /// Where the rest of each tensor goes.
  private var unwritten: [String: Range<Int>]

  package var path: String { file.path }

  /// Creates the file and writes its header. Names must be unique.
  package init(
    _ path: String, entries: [Entry], metadata: [String: String] = ["format": "pt"]
  ) throws(Problem) {
    let ordered = Self.ordered(entries)
    let header = Self.header(ordered, metadata)
    var places: [String: Range<Int>] = [:]
    var end = header.count
    for entry in ordered {
      let place = end..<end + entry.byteCount
      precondition(places.updateValue(place, forKey: entry.name) == nil, "\(entry.name) twice")
      end = place.upperBound
    }
    file = try OutputFile(path)
    unwritten = places
    try file.requireSpace(end)
    try file.write(header)
  }

  /// Writes the next bytes of a tensor.
  package func write(_ bytes: UnsafeRawBufferPointer, of name: String) throws(Problem) {
    guard let place = unwritten[name] else { preconditionFailure("no tensor \(name) to write") }
    precondition(bytes.count <= place.count, "\(name) has fewer bytes than \(bytes.count)")
    try file.write(bytes, at: place.lowerBound)
    unwritten[name] = place.lowerBound + bytes.count..<place.upperBound
  }

  package func write(_ bytes: [UInt8], of name: String) throws(Problem) {
    try bytes.withUnsafeBytes { (bytes) -> Result<Void, Problem> in
      Result { () throws(Problem) in try write(bytes, of: name) }
    }.get()
  }

  /// Brings the file to the disk. Every tensor must have been written.
  package func finish() throws(Problem) {
    let missing = unwritten.filter { !$0.value.isEmpty }.keys.sorted()
    precondition(missing.isEmpty, "\(path): not written: \(missing.joined(separator: ", "))")
    try file.synchronize()
    try file.close()
  }

  /// A tensor and the function that brings its bytes: it calls its argument with them, in order, in
  /// one or several pieces.
  package struct Source {
    package let entry: Entry
    let bring: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

    package init(
      name: String, dtype: String, shape: [Int],
      bring: @escaping ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) {
      self.entry = Entry(name, dtype, shape)
      self.bring = bring
    }
  }

  /// Writes a whole file, one tensor after the other.
  package static func write(
    _ path: String, tensors: [Source], metadata: [String: String] = ["format": "pt"]
  ) throws {
    let writer = try SafetensorsWriter(path, entries: tensors.map(\.entry), metadata: metadata)
    for tensor in tensors {
      try tensor.bring { try writer.write($0, of: tensor.entry.name) }
    }
    try writer.finish()
  }

  // MARK: - Header

  private static func ordered(_ entries: [Entry]) -> [Entry] {
    func bits(_ entry: Entry) -> Int { SafetensorsFile.elementBits(entry.dtype) ?? 0 }
    return entries.enumerated()
      .sorted { (bits($1.element), $0.offset) < (bits($0.element), $1.offset) }
      .map(\.element)
  }

  /// Length and JSON, padded with spaces so that the data starts at a multiple of 8.
  private static func header(_ entries: [Entry], _ metadata: [String: String]) -> [UInt8] {
    var members: [(key: String, value: JSON)] = []
    if !metadata.isEmpty {
      let sorted = metadata.sorted { $0.key < $1.key }
      let texts = sorted.map { (key: $0.key, value: JSON.string($0.value)) }
      members.append(("__metadata__", .object(JSONObject(texts))))
    }
    var end = 0
    for entry in entries {
      let start = end
      end += entry.byteCount
      members.append(
        (
          entry.name,
          [
            "dtype": .string(entry.dtype),
            "shape": .array(entry.shape.map { .integer($0) }),
            "data_offsets": [.integer(start), .integer(end)],
          ]
        ))
    }
    var json = Array(JSON.object(JSONObject(members)).text().utf8)
    json += repeatElement(0x20, count: json.count.roundedUp(to: 8) - json.count)
    return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
  }
}
