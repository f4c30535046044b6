/// Decodes UTF-8 that was read as Windows-1252 or Latin-1.
enum MojibakeRepair {
  /// Some texts were read wrongly more than once.
  private static let rounds = 4

  /// The text as it was written; nil where it was not read wrongly.
  static func repaired(_ text: String) -> String? {
    var result: String?
    for _ in 0..<rounds {
      let bytes = Array((result ?? text).utf8)
      guard Mojibake.first(in: bytes) != nil else { break }
      result = decoded(result ?? text)
    }
    return result
  }

  /// In a text in which one place is certain, the others are no chance either.
  private static func decoded(_ text: String) -> String {
    let scalars = Array(text.unicodeScalars)
    var result = String.UnicodeScalarView()
    var index = 0
    while index < scalars.count {
      if let sequence = Mojibake.sequence(scalars, at: index) {
        result.append(sequence.scalar)
        index += sequence.bytes.count
      } else {
        result.append(scalars[index])
        index += 1
      }
    }
    return String(result)
  }
}
