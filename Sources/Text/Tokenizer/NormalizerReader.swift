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
    switch value["type"]?.string {
    case "NFC": return [.composition]
    case "Lowercase": return [.lowercase]
    case "Prepend": return [.prefix(value["prepend"]?.string ?? "")]
    case "Replace":
      guard let content = value["content"]?.string else {
        throw Problem(path, "the normalizer \"Replace\" has no \"content\", expected a text")
      }
      return [.replacement(try Pattern(value["pattern"], place: path), with: content)]
    case "Sequence":
      var all: [Normalizer.Step] = []
      for part in value["normalizers"]?.array ?? [] { all += try steps(part) }
      return all
    case let type:
      throw Problem(
        path, "normalizer type \"\(type ?? "")\" is not supported yet; use another model")
    }
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
