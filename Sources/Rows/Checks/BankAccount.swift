/// Finds international bank account numbers (ISO 13616): the length of the country, and check digits that
/// fit (ISO 7064, modulo 97).
enum BankAccount {
  @Sendable static func first(in bytes: [UInt8], from start: Int = 0) -> Range<Int>? {
    for index in bytes.indices.dropLast(14).dropFirst(start)
    where isCapital(bytes[index]) && isCapital(bytes[index + 1]) && bytes.isDigit(index + 2)
      && bytes.isDigit(index + 3) && !bytes.isWord(index - 1)
    {
      let country = String(decoding: bytes[index..<index + 2], as: UTF8.self)
      guard let length = lengths[country],
        let (characters, end) = characters(bytes, from: index, count: length), !bytes.isWord(end)
      else { continue }
      if remainder(characters) == 1 { return index..<end }
    }
    return nil
  }

  /// The number, its first four characters moved to the end and letters read as 10 … 35, modulo 97.
  static func remainder(_ characters: [UInt8]) -> Int {
    var remainder = 0
    for byte in characters.dropFirst(4) + characters.prefix(4) {
      let value = isCapital(byte) ? Int(byte) - 0x41 + 10 : Int(byte) - 0x30
      remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97
    }
    return remainder
  }

  private static func isCapital(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) }

  /// `count` capitals and digits; single spaces may stand between them, in fours.
  private static func characters(
    _ bytes: [UInt8], from start: Int, count: Int
  ) -> ([UInt8], end: Int)? {
    var characters: [UInt8] = []
    var index = start
    while characters.count < count {
      guard index < bytes.count else { return nil }
      if bytes.isDigit(index) || isCapital(bytes[index]) {
        characters.append(bytes[index])
      } else if !bytes.has(" ", at: index) || !characters.count.isMultiple(of: 4)
        || bytes.has(" ", at: index - 1)
      {
        return nil
      }
      index += 1
    }
    return (characters, index)
  }

  /// Characters of an account by country, from the registry that SWIFT keeps.
  private static let lengths: [String: Int] = [
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28,
    "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23,
    "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21,
    "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15,
    "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24,
    "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29, "VG": 24, "XK": 20,
  ]
}
