/// Finds public IPv4 addresses.
enum NetworkAddress {
  @Sendable static func first(in bytes: [UInt8], from start: Int = 0) -> Range<Int>? {
    var index = start
    while index < bytes.count {
      guard bytes.isDigit(index) else {
        index += 1
        continue
      }
      var end = index
      while bytes.isDigit(end) || (bytes.has(".", at: end) && bytes.isDigit(end + 1)) { end += 1 }
      if isAddress(bytes, index..<end) { return index..<end }
      index = end
    }
    return nil
  }

  private static func isAddress(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    guard (9...15).contains(range.count), !bytes.isWord(range.upperBound) else { return false }
    let before = range.lowerBound - 1
    guard !bytes.isWord(before), !bytes.has(".", at: before), !bytes.has("-", at: before) else {
      return false
    }
    let parts = bytes[range].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      .map { part in
        part.count > 1 && part.first == UInt8(ascii: "0")
          ? nil : Int(String(decoding: part, as: UTF8.self))
      }
    let octets = parts.compactMap { $0 }
    guard parts.count == 4, octets.count == 4, octets.allSatisfy({ $0 <= 255 }) else {
      return false
    }
    return isPublic(octets) && !isVersion(octets, bytes, range.lowerBound)
  }

  /// Not of the ranges that are private, local, for examples (RFC 1918, 5737, 6890), or nobody's.
  private static func isPublic(_ octets: [Int]) -> Bool {
    switch (octets[0], octets[1], octets[2]) {
    case (0, _, _), (10, _, _), (127, _, _), (224..., _, _), (192, 168, _), (169, 254, _),
      (172, 16...31, _), (100, 64...127, _), (192, 0, 2), (198, 51, 100), (203, 0, 113):
      false
    default: true
    }
  }

  /// "version 12.4.31.7", or numbers so small that they count chapters.
  private static func isVersion(_ octets: [Int], _ bytes: [UInt8], _ start: Int) -> Bool {
    if octets.allSatisfy({ $0 < 20 }) { return true }
    let before = String(decoding: bytes[max(0, start - 10)..<start], as: UTF8.self).lowercased()
    return ["version", "build", "release"].contains { before.contains($0) }
  }
}
