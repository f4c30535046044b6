/// Likely personal data: addresses, numbers that reach or bill a person, and keys. Strict rather than
/// complete: ordinary prose, code and numbers stay silent.
struct PersonalData: RowCheck {
  func findings(in row: CheckedRow) -> [RowFinding] {
    var findings: [RowFinding] = []
    for text in row.texts {
      let digits = text.bytes.count { (0x30...0x39).contains($0) }
      for (kind, what, leastDigits, find) in Self.searches
      where digits >= leastDigits && !findings.contains(where: { $0.kind == kind }) {
        guard let range = find(text.bytes, 0) else { continue }
        let found = String(decoding: text.bytes[range], as: UTF8.self)
        findings.append(
          row.finding(kind, "\(text.name) holds what looks like \(what): \(Self.masked(found))"))
      }
    }
    return findings
  }

  /// Finds the next one that begins at a place or behind it.
  typealias Search = @Sendable (_ bytes: [UInt8], _ start: Int) -> Range<Int>?

  /// With the digits that each has at least, so that a text with fewer need not be searched.
  static let searches: [(kind: RowFindingKind, what: String, leastDigits: Int, find: Search)] = [
    (.email, "an e-mail address", 0, EmailAddress.first),
    (.phone, "a telephone number", 7, PhoneNumber.first),
    (.cardNumber, "the number of a payment card", 13, CardNumber.first),
    (.iban, "the number of a bank account", 2, BankAccount.first),
    (.ipAddress, "an IP address", 4, NetworkAddress.first),
    (.secret, "a key or a password", 0, Secret.first),
  ]

  /// Enough to find it again, not enough to copy it from a report.
  private static func masked(_ text: String) -> String {
    let shown = min(6, text.count / 3)
    return "\(text.prefix(shown))…\(text.suffix(min(2, shown)))"
  }
}

extension [UInt8] {
  /// Whether an ASCII letter or digit, or a part of another character, stands at `index`.
  func isWord(_ index: Int) -> Bool {
    guard indices.contains(index) else { return false }
    return isASCIIWord(index) || self[index] >= 0x80
  }

  func isASCIIWord(_ index: Int) -> Bool { isDigit(index) || isLetter(index) }

  func isDigit(_ index: Int) -> Bool {
    indices.contains(index) && (0x30...0x39).contains(self[index])
  }

  func isLetter(_ index: Int) -> Bool {
    indices.contains(index) && (0x61...0x7A).contains(self[index] | 0x20)
  }

  func has(_ byte: Unicode.Scalar, at index: Int) -> Bool {
    indices.contains(index) && self[index] == UInt8(ascii: byte)
  }
}
