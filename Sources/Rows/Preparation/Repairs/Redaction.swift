package import Formats

/// Puts a mark in place of personal data: "[email]" for an address.
package enum Redaction {
  /// The marks' names and what each stands for.
  package static let names: [(name: String, kind: RowFindingKind)] = [
    ("email", .email), ("phone", .phone), ("card", .cardNumber), ("iban", .iban),
    ("ip", .ipAddress), ("secret", .secret),
  ]

  /// The kinds of a list such as "email,phone"; "all" names all.
  package static func kinds(_ list: String) throws(Problem) -> [RowFindingKind] {
    let words = list.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    var kinds: [RowFindingKind] = []
    for word in words {
      if word == "all" {
        kinds += names.map(\.kind)
      } else if let kind = names.first(where: { $0.name == word || $0.kind.rawValue == word })?.kind
      {
        kinds.append(kind)
      } else {
        let known = names.map(\.name).joined(separator: ", ")
        throw Problem("--redact", "\"\(word)\" is unknown, expected some of \(known), or all")
      }
    }
    return kinds
  }

  /// The text with marks; nil where nothing of the kind is in it.
  static func redacted(_ text: String, _ kind: RowFindingKind) -> String? {
    guard let find = PersonalData.searches.first(where: { $0.kind == kind })?.find,
      let name = names.first(where: { $0.kind == kind })?.name
    else { return nil }
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var done = 0
    while let range = find(bytes, done) {
      result += bytes[done..<max(done, range.lowerBound)]
      result += "[\(name)]".utf8
      done = range.upperBound
    }
    return done == 0 ? nil : String(decoding: result + bytes[done...], as: UTF8.self)
  }
}
