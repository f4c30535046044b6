/// UTF-16 text as UTF-8.
///
/// A half of a surrogate pair, which is no character, comes out as the three bytes that would stand for it;
/// they are not UTF-8, so the row that holds them is refused with its place.
final class UTF16Stream: ByteStream {
  private let source: any ByteStream
  private let isBigEndian: Bool
  private var input = [UInt8](repeating: 0, count: 1 << 16)
  /// Bytes of `input` that were read.
  private var filled = 0
  /// Text that nobody has taken yet.
  private var text: [UInt8] = []
  private var taken = 0
  private var isAtEnd = false

  init(_ source: any ByteStream, isBigEndian: Bool) {
    self.source = source
    self.isBigEndian = isBigEndian
  }

  func read(into buffer: inout [UInt8], from start: Int) throws(StreamFault) -> Int {
    while taken == text.count {
      if isAtEnd { return 0 }
      try decodeMore()
    }
    let count = min(buffer.count - start, text.count - taken)
    buffer.replaceSubrange(start..<start + count, with: text[taken..<taken + count])
    taken += count
    return count
  }

  private func decodeMore() throws(StreamFault) {
    let count = try source.read(into: &input, from: filled)
    filled += count
    isAtEnd = count == 0
    text.removeAll(keepingCapacity: true)
    taken = 0
    var place = 0
    while filled - place >= 2 {
      let unit = unit(at: place)
      guard (0xD800..<0xDC00).contains(unit) else {
        append(UInt32(unit))
        place += 2
        continue
      }
      // The second half may still have to come.
      if filled - place < 4, !isAtEnd { break }
      let low = filled - place >= 4 ? self.unit(at: place + 2) : 0
      let isPair = (0xDC00..<0xE000).contains(low)
      append(
        isPair ? 0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(low) - 0xDC00) : UInt32(unit))
      place += isPair ? 4 : 2
    }
    input.replaceSubrange(0..<filled - place, with: Array(input[place..<filled]))
    filled -= place
    guard !isAtEnd || filled == 0 else {
      throw .content(
        "the UTF-16 text ends inside a character: the file was cut; make or copy it again")
    }
  }

  private func unit(at place: Int) -> UInt16 {
    let first = UInt16(input[place])
    let second = UInt16(input[place + 1])
    return isBigEndian ? first << 8 | second : second << 8 | first
  }

  private func append(_ scalar: UInt32) {
    func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | (scalar >> shift) & 0x3F) }
    switch scalar {
    case ..<0x80: text.append(UInt8(scalar))
    case ..<0x800: text += [UInt8(0xC0 | scalar >> 6), tail(0)]
    case ..<0x10000: text += [UInt8(0xE0 | scalar >> 12), tail(6), tail(0)]
    default: text += [UInt8(0xF0 | scalar >> 18), tail(12), tail(6), tail(0)]
    }
  }
}
