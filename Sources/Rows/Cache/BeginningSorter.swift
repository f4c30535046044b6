import Formats

/// Puts rows into the order of their beginnings with bounded memory, however many there are: what does not fit
/// is sorted in parts, which lie in a file until they are merged.
final class BeginningSorter {
  private let path: String
  private let limit: Int
  private var file: OutputFile?
  /// The parts in the file, in bytes.
  private var parts: [Range<Int>] = []

  private var tokens: [Int32] = []
  /// The ends of the beginnings in `tokens`.
  private var ends: [Int] = []
  /// Rows that are in the file.
  private var earlierRows = 0

  /// - Parameters:
  ///   - path: Of the file, which is there while there are parts.
  ///   - limit: Tokens that are in memory at most.
  init(spillingTo path: String, limit: Int = 1 << 23) {
    self.path = path
    self.limit = limit
  }

  /// The beginning of the next row.
  func add(_ beginning: ArraySlice<Int32>) throws(Problem) {
    if tokens.count + beginning.count > limit, !ends.isEmpty { try spill() }
    tokens += beginning
    ends.append(tokens.count)
  }

  /// The order of all rows.
  func finish() throws(Problem) -> BeginningOrder {
    guard !parts.isEmpty else { return BeginningOrder(beginnings) }
    if !ends.isEmpty { try spill() }
    try file?.close()
    defer { try? removeTree(path) }
    return BeginningMerge(try MappedFile(path), parts: parts).order(rows: earlierRows)
  }

  private var beginnings: [ArraySlice<Int32>] {
    ends.indices.map { tokens[($0 == 0 ? 0 : ends[$0 - 1])..<ends[$0]] }
  }

  /// Writes what is in memory as a part: for each row its number, how many tokens it has in common with the
  /// row before, how many follow, and those.
  private func spill() throws(Problem) {
    if file == nil { file = try OutputFile(path) }
    guard let file else { return }
    let beginnings = beginnings
    let order = BeginningOrder(beginnings)
    var rows = [Int](repeating: 0, count: beginnings.count)
    for (row, place) in order.places.enumerated() { rows[Int(place)] = row }
    let start = parts.last?.upperBound ?? 0
    var end = start
    var buffer: [Int32] = []
    for (place, row) in rows.enumerated() {
      let shared = place == 0 ? 0 : Int(order.shared[place - 1])
      let rest = beginnings[row].dropFirst(shared)
      buffer += [Int32(earlierRows + row), Int32(shared), Int32(rest.count)]
      buffer += rest
      guard buffer.count > 1 << 16 || place == rows.count - 1 else { continue }
      end += buffer.count * 4
      try buffer.withUnsafeBytes { (bytes) -> Result<Void, Problem> in
        Result { () throws(Problem) in try file.write(bytes) }
      }.get()
      buffer.removeAll(keepingCapacity: true)
    }
    parts.append(start..<end)
    earlierRows += rows.count
    tokens.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
  }
}

/// Merges sorted parts of a file.
private struct BeginningMerge {
  /// Those that are not at their end, as a heap: the first has the row that comes next.
  private var parts: [BeginningPart]

  init(_ file: MappedFile, parts: [Range<Int>]) {
    self.parts = parts.compactMap { BeginningPart(file, $0) }
    for index in self.parts.indices.reversed() { sink(index) }
  }

  func order(rows count: Int) -> BeginningOrder {
    var merge = self
    var places = [Int32](repeating: 0, count: count)
    var shared: [Int32] = []
    var lengths: [Int32] = []
    var last: [Int32] = []
    while let part = merge.parts.first {
      if !lengths.isEmpty {
        shared.append(Int32(BeginningOrder.common(last[...], part.tokens[...])))
      }
      places[part.row] = Int32(lengths.count)
      lengths.append(Int32(part.tokens.count))
      last = part.tokens
      merge.advance()
    }
    return BeginningOrder(places: places, shared: shared + [0], lengths: lengths)
  }

  /// Goes past the first row.
  private mutating func advance() {
    if !parts[0].advance() {
      parts.swapAt(0, parts.count - 1)
      parts.removeLast()
    }
    sink(0)
  }

  /// Moves a part down the heap to its place.
  private mutating func sink(_ index: Int) {
    var index = index
    while true {
      let children = (2 * index + 1..<2 * index + 3).filter { $0 < parts.count }
      guard let least = children.min(by: { parts[$0].isBefore(parts[$1]) }),
        parts[least].isBefore(parts[index])
      else { return }
      parts.swapAt(index, least)
      index = least
    }
  }
}

/// A sorted part of a file, and the row in it that comes next.
private final class BeginningPart {
  private let file: MappedFile
  private var rest: Range<Int>
  private var forgotten: Int
  private(set) var row = 0
  private(set) var tokens: [Int32] = []

  /// Nil where the part is empty.
  init?(_ file: MappedFile, _ bytes: Range<Int>) {
    self.file = file
    rest = bytes
    forgotten = bytes.lowerBound
    guard advance() else { return nil }
  }

  func isBefore(_ other: BeginningPart) -> Bool {
    let order = BeginningOrder.compare(tokens[...], other.tokens[...])
    return order == 0 ? row < other.row : order < 0
  }

  /// Goes to the next row; false at the end.
  func advance() -> Bool {
    guard !rest.isEmpty else { return false }
    let head = numbers(3)
    row = Int(head[0])
    tokens.removeLast(tokens.count - Int(head[1]))
    tokens += numbers(Int(head[2]))
    // What was read does not have to stay in memory.
    if rest.lowerBound - forgotten > 1 << 20 {
      file.forget(forgotten..<rest.lowerBound)
      forgotten = rest.lowerBound
    }
    return true
  }

  private func numbers(_ count: Int) -> [Int32] {
    let range = rest.lowerBound..<rest.lowerBound + 4 * count
    rest = range.upperBound..<rest.upperBound
    return file.withBytes(range) { Array($0.bindMemory(to: Int32.self)) }
  }
}
