import Formats

/// Byte-pair encoding in SentencePiece's manner: llama.cpp merges by score, the highest first, so merges
/// become scores.
extension GGUFVocabulary {
  /// Whether bytes are a fallback for characters, not the alphabet.
  var isSentencePiece: Bool {
    root["model"]?["byte_fallback"]?.bool == true
      || steps(root["normalizer"]).contains(where: isMark)
      || steps(root["pre_tokenizer"]).contains { $0["type"]?.string == "Metaspace" }
  }

  /// Whether a normalizer turns spaces into SentencePiece's mark.
  private func isMark(_ step: JSON) -> Bool {
    step["type"]?.string == "Replace" && step["content"]?.string == "\u{2581}"
  }

  /// A sequence's parts, or the thing itself.
  func steps(_ value: JSON?) -> [JSON] {
    guard let value, !value.isNull else { return [] }
    guard value["type"]?.string == "Sequence" else { return [value] }
    let parts = value["normalizers"]?.array ?? value["pretokenizers"]?.array ?? []
    return parts.flatMap { steps($0) }
  }

  /// Whether a text gets a space in front.
  var addsSpacePrefix: Bool {
    let prepends = steps(root["normalizer"]).contains { $0["type"]?.string == "Prepend" }
    let spaces = steps(root["pre_tokenizer"]).first { $0["type"]?.string == "Metaspace" }
    guard let spaces else { return prepends }
    let scheme = spaces["prepend_scheme"]?.string
    return prepends || (scheme.map { $0 != "never" } ?? spaces["add_prefix_space"]?.bool ?? true)
  }

  /// A piece's score is minus the number of the first merge that makes it; what no merge makes comes last.
  func pieces(rows: Int) throws(Problem) -> [Token] {
    let merges = try merges()
    guard !merges.isEmpty else {
      throw Problem(path, "\"model.merges\" is empty; there is nothing to make scores of")
    }
    var scores: [[UInt8]: Float] = [:]
    for (index, (left, right)) in merges.enumerated() {
      let made = Array(left.utf8) + Array(right.utf8)
      if scores[made] == nil { scores[made] = -Float(index) }
    }
    let unknown = root["model"]?["unk_token"]?.string
    let last = -Float(merges.count)
    return try filled(rows: rows, vocabulary: try vocabulary()) { text in
      let bytes = Array(text.utf8)
      let isUnknown = unknown.map { $0.utf8.elementsEqual(bytes) } ?? false
      return Token(
        text: text, type: isUnknown ? .unknown : Self.isByte(bytes) ? .byte : .normal,
        score: isUnknown ? 0 : scores[bytes] ?? last)
    }
  }

  /// `<0x0A>`
  private static func isByte(_ text: [UInt8]) -> Bool {
    let hexadecimal = { (digit: UInt8) in
      (0x30...0x39).contains(digit) || (0x41...0x46).contains(digit)
    }
    return text.count == 6 && text.starts(with: Array("<0x".utf8)) && text[5] == 0x3E
      && hexadecimal(text[3]) && hexadecimal(text[4])
  }
}
