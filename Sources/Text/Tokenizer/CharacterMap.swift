import Formats

/// The normalization table of a SentencePiece model: a tree of bytes that leads from texts to what
/// replaces them ("precompiled_charsmap").
///
/// Layout: u32 length of the tree in bytes, the tree as u32 units (a double array, as the library
/// Darts writes it), then replacements as UTF-8 with a zero behind each.
struct CharacterMap: Sendable {
  /// Clusters of this many bytes and more are looked up character by character.
  private static let longCluster = 6

  private let units: [UInt32]
  private let replacements: [UInt8]
  /// Whether something replaces the ASCII character of this number.
  private var replacesASCII: [Bool] = []

  /// - Throws: A `Problem` where the table is cut.
  init(_ blob: [UInt8], place: String) throws(Problem) {
    func unit(at offset: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(blob[offset + $1]) << UInt32(8 * $1) }
    }
    guard blob.count >= 4, case let length = Int(unit(at: 0)), length % 4 == 0, length > 0,
      length <= blob.count - 4
    else {
      throw Problem(
        place, "the precompiled map of \(blob.count) bytes is cut; the file is damaged")
    }
    units = stride(from: 4, to: 4 + length, by: 4).map(unit)
    replacements = Array(blob[(4 + length)...])
    replacesASCII = (UInt8(0)..<0x80).map { byte in
      [byte].withUnsafeBufferPointer { match(in: $0, 0..<1, isLongest: false) } != nil
    }
  }

  /// As Hugging Face's tokenizers apply it: the shortest text of the table that a short cluster of
  /// characters begins with replaces the whole cluster; else each character is looked up alone.
  func apply(to text: UnsafeBufferPointer<UInt8>, _ result: inout AlignedText) {
    var index = 0
    while index < text.count {
      let end = endOfSingles(from: index, in: text)
      replaceSingles(index..<end, of: text, &result)
      index = endOfClusters(from: end, in: text)
      if end < index { replaceClusters(end..<index, of: text, &result) }
    }
  }

  /// End of the ASCII characters that are clusters by themselves: others follow them, or nothing. A
  /// carriage return may have a line feed in its cluster.
  private func endOfSingles(from start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    func isEnd(_ place: Int) -> Bool { place == text.count || text[place] < 0x80 }
    var index = start
    while index < text.count, isPlain(text[index]), isEnd(index + 1) { index += 1 }
    return index
  }

  @inline(__always)
  private func isPlain(_ byte: UInt8) -> Bool { byte < 0x80 && byte != 0x0D }

  /// The first place behind `start` where a cluster surely ends: between two ASCII characters.
  private func endOfClusters(from start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    var index = min(start + 1, text.count)
    while index < text.count, text[index] >= 0x80 || !isPlain(text[index - 1]) { index += 1 }
    return index
  }

  private func replaceSingles(
    _ range: Range<Int>, of text: UnsafeBufferPointer<UInt8>, _ result: inout AlignedText
  ) {
    var done = range.lowerBound
    for index in range where replacesASCII[Int(text[index])] {
      result.copy(done..<index, of: text)
      if let match = match(in: text, index..<index + 1, isLongest: false) {
        result.append(replacements[match.replacement], from: index..<index + 1)
      }
      done = index + 1
    }
    result.copy(done..<range.upperBound, of: text)
  }

  private func replaceClusters(
    _ range: Range<Int>, of text: UnsafeBufferPointer<UInt8>, _ result: inout AlignedText
  ) {
    var index = range.lowerBound
    for cluster in String(decoding: text[range], as: UTF8.self) {
      let end = index + cluster.utf8.count
      defer { index = end }
      if end - index < Self.longCluster,
        let match = match(in: text, index..<end, isLongest: false)
      {
        result.append(replacements[match.replacement], from: index..<end)
        continue
      }
      var start = index
      while start < end {
        let next = start + UTF8Text.length(ofScalarAt: start, in: text)
        if let match = match(in: text, start..<next, isLongest: false) {
          result.append(replacements[match.replacement], from: start..<next)
        } else {
          result.copy(start..<next, of: text)
        }
        start = next
      }
    }
  }

  /// The shortest or the longest text of the table that `range` begins with: its end, and where its
  /// replacement stands.
  func match(
    in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, isLongest: Bool
  ) -> (end: Int, replacement: Range<Int>)? {
    var found: (end: Int, replacement: Range<Int>)?
    var node = Self.offset(units[0])
    for index in range {
      node ^= Int(text[index])
      guard units.indices.contains(node), units[node] & 0x8000_00FF == UInt32(text[index]) else {
        return found
      }
      let hasLeaf = units[node] >> 8 & 1 == 1
      node ^= Self.offset(units[node])
      guard hasLeaf else { continue }
      guard units.indices.contains(node),
        let replacement = replacement(at: Int(units[node] & 0x7FFF_FFFF))
      else { return found }
      found = (index + 1, replacement)
      if !isLongest { return found }
    }
    return found
  }

  func bytes(of replacement: Range<Int>) -> ArraySlice<UInt8> { replacements[replacement] }

  private static func offset(_ unit: UInt32) -> Int {
    Int((unit >> 10) << ((unit & 0x200) >> 6))
  }

  private func replacement(at start: Int) -> Range<Int>? {
    guard start < replacements.count else { return nil }
    let end = replacements[start...].firstIndex(of: 0) ?? replacements.count
    return start..<end
  }
}
