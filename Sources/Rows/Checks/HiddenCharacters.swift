/// Characters that nobody sees and a model learns: control characters, zero-width and direction marks, and
/// U+FFFD, which stands where something was lost.
struct HiddenCharacters: RowCheck {
  func findings(in row: CheckedRow) -> [RowFinding] {
    var findings: [RowFinding] = []
    func add(_ kind: RowFindingKind, _ text: CheckedText, _ value: UInt32) {
      guard !findings.contains(where: { $0.kind == kind }) else { return }
      let code = String(value, radix: 16, uppercase: true)
      let padded = String(repeating: "0", count: max(0, 4 - code.count)) + code
      findings.append(row.finding(kind, "\(text.name) holds U+\(padded)"))
    }
    for text in row.texts where Self.mayHoldSome(text.bytes) {
      let scalars = Array(String(decoding: text.bytes, as: UTF8.self).unicodeScalars)
      let isMisread = Mojibake.first(in: text.bytes) != nil
      for (index, kind) in Self.places(in: scalars, isMisread: isMisread) {
        add(kind, text, scalars[index].value)
      }
    }
    return findings
  }

  /// Which characters of a text are meant, and as what.
  ///
  /// - Parameter isMisread: Whether the text is mojibake: its bytes are no control characters.
  static func places(
    in scalars: [Unicode.Scalar], isMisread: Bool
  ) -> [(index: Int, kind: RowFindingKind)] {
    var isRightToLeft: Bool?
    return scalars.indices.compactMap { index in
      switch kind(scalars[index].value) {
      case .visible: return nil
      case .lost: return (index, .replacementCharacter)
      case .control: return (index, .controlCharacter)
      case .highControl: return isMisread ? nil : (index, .controlCharacter)
      case .invisible: return (index, .invisibleCharacter)
      case .joiner: return joinsNothing(scalars, index) ? (index, .invisibleCharacter) : nil
      case .direction:
        let hasPurpose = isRightToLeft ?? scalars.contains { Self.isRightToLeft($0.value) }
        isRightToLeft = hasPurpose
        return hasPurpose ? nil : (index, .invisibleCharacter)
      }
    }
  }

  private enum Kind { case visible, lost, control, highControl, invisible, joiner, direction }

  private static func kind(_ value: UInt32) -> Kind {
    switch value {
    case 0x09, 0x0A, 0x0D, 0x20..<0x7F: .visible
    case 0..<0x20, 0x7F: .control
    case 0x80..<0xA0: .highControl
    case 0xFFFD: .lost
    // Soft hyphen, zero-width space, overrides of the direction, word joiner, byte-order mark.
    case 0xAD, 0x200B, 0x202D, 0x202E, 0x2060...0x2064, 0xFEFF: .invisible
    case 0x200C, 0x200D: .joiner
    case 0x200E, 0x200F, 0x202A...0x202C, 0x2066...0x2069: .direction
    default: .visible
    }
  }

  /// Plain ASCII is passed over at once.
  static func mayHoldSome(_ bytes: [UInt8]) -> Bool {
    bytes.contains { $0 >= 0x7F || ($0 < 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09) }
  }

  /// Whether a joiner stands between characters that none belongs to: it has a meaning in emoji and in
  /// scripts such as Persian and Devanagari.
  private static func joinsNothing(_ scalars: [Unicode.Scalar], _ index: Int) -> Bool {
    func isPlain(_ at: Int) -> Bool { !scalars.indices.contains(at) || scalars[at].value < 0x250 }
    return isPlain(index - 1) && isPlain(index + 1)
  }

  /// Hebrew, Arabic and what stands beside them in Unicode.
  private static func isRightToLeft(_ value: UInt32) -> Bool {
    (0x0590...0x08FF).contains(value) || (0xFB1D...0xFDFF).contains(value)
      || (0xFE70...0xFEFE).contains(value) || (0x10800...0x10FFF).contains(value)
  }
}
