import Formats

/// Reads the "normalizer" of `tokenizer.json`.
struct NormalizerReader {
  let path: String

  /// - Throws: A `Problem` that names a type which cannot be done exactly.
  func read(_ value: JSON?) throws(Problem) -> Normalizer? {
    let steps = try steps(value)
    return steps.isEmpty ? nil : Normalizer(steps: steps)
  }

  private func steps(_ value: JSON?) throws(Problem) -> [Normalizer.Step] {
    guard let value, !value.isNull else { return [] }
    func isOn(_ key: String) -> Bool { value[key]?.bool ?? true }
    switch value["type"]?.string {
    case "NFC": return [.form(.composed)]
    case "NFD": return [.form(.decomposed)]
    case "NFKC": return [.form(.compatiblyComposed)]
    case "NFKD": return [.form(.compatiblyDecomposed)]
    case "Lowercase": return [.lowercase]
    case "StripAccents": return [.withoutMarks]
    case "Nmt": return [.plainSpaces]
    case "ByteLevel": return [.spelled]
    case "Strip": return [.trimmed(left: isOn("strip_left"), right: isOn("strip_right"))]
    case "Prepend": return [.prefix(Array((value["prepend"]?.string ?? "").utf8))]
    case "Precompiled":
      guard let blob = Base64.decode(value["precompiled_charsmap"]?.string ?? "") else {
        throw Problem(path, "\"precompiled_charsmap\" is not base64; the file is damaged")
      }
      return blob.isEmpty ? [] : [.map(try CharacterMap(blob, place: path))]
    case "BertNormalizer":
      let normalizer = BERTNormalizer(
        cleansText: isOn("clean_text"), isolatesIdeographs: isOn("handle_chinese_chars"),
        dropsAccents: value["strip_accents"]?.bool ?? isOn("lowercase"),
        isLowercase: isOn("lowercase"))
      return [.bert(normalizer)]
    case "Replace": return [try replacement(value)]
    case "Sequence":
      var all: [Normalizer.Step] = []
      for part in value["normalizers"]?.array ?? [] { all += try steps(part) }
      return all
    case let type:
      throw Problem(path, "normalizer type \"\(type ?? "")\" is not known; use another model")
    }
  }

  private func replacement(_ value: JSON) throws(Problem) -> Normalizer.Step {
    guard let content = value["content"]?.string else {
      throw Problem(path, "the normalizer \"Replace\" has no \"content\", expected a text")
    }
    if let literal = value["pattern"]?["String"]?.string {
      return .literalReplacement(Array(literal.utf8), with: Array(content.utf8))
    }
    return .replacement(try Pattern(value["pattern"], place: path), with: Array(content.utf8))
  }
}

extension Pattern {
  /// `{"String": "…"}` or `{"Regex": "…"}`.
  convenience init(_ value: JSON?, place: String) throws(Problem) {
    if let text = value?["String"]?.string {
      try self.init(literal: text, place: place)
    } else if let source = value?["Regex"]?.string {
      try self.init(source, place: place)
    } else {
      throw Problem(
        place, "a \"pattern\" is neither a \"String\" nor a \"Regex\"; the file is damaged")
    }
  }
}
