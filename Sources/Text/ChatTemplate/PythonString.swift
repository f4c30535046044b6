/// Python's string methods, by Unicode scalar.
///
/// Swift's own work by grapheme cluster and canonical equivalence: "\r\n" is one character there and
/// "é" equals "e" + accent. Templates mean code points, so text is compared as UTF-8 bytes here.
enum PythonString {
  /// `str.isspace` for one scalar: Unicode's white space and the four ASCII separators.
  static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
  }

  enum Side { case both, start, end }

  /// `strip`, `lstrip`, `rstrip`: removes white space, or any of the given scalars.
  static func strip(_ text: String, _ characters: String? = nil, _ side: Side = .both) -> String {
    let set = characters.map { Set($0.unicodeScalars) }
    let drops = { (scalar: Unicode.Scalar) in set?.contains(scalar) ?? isSpace(scalar) }
    var view = text.unicodeScalars[...]
    if side != .end { view = view.drop(while: drops) }
    if side != .start {
      while let last = view.last, drops(last) { view.removeLast() }
    }
    return String(view)
  }

  /// Byte offset of the first (or last) occurrence in UTF-8, within the given byte range.
  static func find(
    _ needle: [UInt8], in text: [UInt8], from start: Int = 0, backwards: Bool = false
  ) -> Int? {
    let last = text.count - needle.count
    guard start <= last else { return nil }
    if needle.isEmpty { return backwards ? text.count : start }
    func matches(_ at: Int) -> Bool {
      var index = 0
      while index < needle.count, text[at + index] == needle[index] { index += 1 }
      return index == needle.count
    }
    if backwards { return stride(from: last, through: start, by: -1).first(where: matches) }
    return (start...last).first(where: matches)
  }

  static func contains(_ text: String, _ needle: String) -> Bool {
    find(Array(needle.utf8), in: Array(text.utf8)) != nil
  }

  /// `str.find`, `str.rfind` as a scalar index; -1 where there is none.
  static func index(of needle: String, in text: String, backwards: Bool = false) -> Int {
    let bytes = Array(text.utf8)
    guard let offset = find(Array(needle.utf8), in: bytes, backwards: backwards) else { return -1 }
    return bytes[..<offset].count { $0 & 0xC0 != 0x80 }
  }

  /// `str.count`: occurrences that do not overlap.
  static func count(of needle: String, in text: String) -> Int {
    needle.isEmpty ? text.unicodeScalars.count + 1 : split(text, by: needle).count - 1
  }

  /// `str.split(separator, limit)`; with `backwards`, `str.rsplit`. The separator is not empty.
  static func split(
    _ text: String, by separator: String, limit: Int = -1, backwards: Bool = false
  ) -> [String] {
    let bytes = Array(text.utf8)
    let needle = Array(separator.utf8)
    var cuts: [Int] = []
    var position = backwards ? bytes.count : 0
    while limit < 0 || cuts.count < limit {
      let found =
        backwards
        ? find(needle, in: Array(bytes[..<position]), backwards: true)
        : find(needle, in: bytes, from: position)
      guard let found else { break }
      cuts.append(found)
      position = backwards ? found : found + needle.count
    }
    if backwards { cuts.reverse() }
    var parts: [String] = []
    var start = 0
    for cut in cuts {
      parts.append(String(decoding: bytes[start..<cut], as: UTF8.self))
      start = cut + needle.count
    }
    parts.append(String(decoding: bytes[start...], as: UTF8.self))
    return parts
  }

  /// `str.split()` without a separator: runs of white space divide, ends are dropped.
  static func splitWords(_ text: String, limit: Int = -1, backwards: Bool = false) -> [String] {
    var scalars = Array(text.unicodeScalars)
    if backwards { scalars.reverse() }
    var words: [[Unicode.Scalar]] = []
    var index = 0
    while true {
      while index < scalars.count, isSpace(scalars[index]) { index += 1 }
      guard index < scalars.count else { break }
      let start = index
      if limit >= 0, words.count == limit {
        var end = scalars.count
        while isSpace(scalars[end - 1]) { end -= 1 }
        words.append(Array(scalars[start..<end]))
        break
      }
      while index < scalars.count, !isSpace(scalars[index]) { index += 1 }
      words.append(Array(scalars[start..<index]))
    }
    if backwards { words = words.reversed().map { $0.reversed() } }
    return words.map { string($0) }
  }

  /// `str.splitlines(keepends)`.
  static func lines(_ text: String, keepEnds: Bool = false) -> [String] {
    let scalars = Array(text.unicodeScalars)
    var lines: [String] = []
    var start = 0
    var index = 0
    while index < scalars.count {
      guard isLineEnd(scalars[index]) else {
        index += 1
        continue
      }
      let end = index
      index +=
        scalars[index] == "\r" && index + 1 < scalars.count && scalars[index + 1] == "\n" ? 2 : 1
      lines.append(string(scalars[start..<(keepEnds ? index : end)]))
      start = index
    }
    if start < scalars.count { lines.append(string(scalars[start...])) }
    return lines
  }

  private static func isLineEnd(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }

  /// `str.replace(old, new, limit)`.
  static func replace(
    _ text: String, _ old: String, with new: String, limit: Int = -1
  ) -> String {
    guard old.isEmpty else { return split(text, by: old, limit: limit).joined(separator: new) }
    // An empty pattern matches before every scalar and at the end.
    var out = ""
    var left = limit
    for scalar in text.unicodeScalars {
      if left != 0 {
        out += new
        left -= 1
      }
      out.unicodeScalars.append(scalar)
    }
    return left != 0 ? out + new : out
  }

  static func hasPrefix(_ text: String, _ prefix: String) -> Bool {
    text.utf8.starts(with: prefix.utf8)
  }

  static func hasSuffix(_ text: String, _ suffix: String) -> Bool {
    text.utf8.count >= suffix.utf8.count
      && text.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
  }

  /// `str.capitalize`: the first scalar in title case, the others in lower case.
  static func capitalized(_ text: String) -> String {
    guard let first = text.unicodeScalars.first else { return text }
    return first.properties.titlecaseMapping
      + String(text.unicodeScalars.dropFirst()).lowercased()
  }

  /// `str.title`: every run of cased scalars starts with title case.
  static func titled(_ text: String) -> String {
    var out = ""
    var previousIsCased = false
    for scalar in text.unicodeScalars {
      let properties = scalar.properties
      out += previousIsCased ? properties.lowercaseMapping : properties.titlecaseMapping
      previousIsCased = properties.isCased
    }
    return out
  }

  static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }
}
