package import Text

/// Texts of a row that a tokenizer or a chat format takes for control tokens.
package struct ControlTokens: RowCheck, Sendable {
  /// The model's own; nil: the model is not known.
  private let own: BytePatterns?
  private let known: BytePatterns

  /// - Parameter tokens: Texts of the model's special tokens; nil: the model is not known.
  init(_ tokens: [String]?) {
    own = tokens.map { BytePatterns($0) }
    let others = Self.wellKnown.filter { text in
      !(tokens ?? []).contains { $0.utf8.elementsEqual(text.utf8) }
    }
    known = BytePatterns(others)
  }

  package init(of renderer: Renderer) { self.init(Self.texts(of: renderer.tokenizer)) }

  /// The texts that a tokenizer turns into tokens that steer the model.
  package static func texts(of tokenizer: Tokenizer) -> [String] {
    tokenizer.specialTokens.map(\.text)
      + [tokenizer.bosToken, tokenizer.eosToken].compactMap { $0 }
  }

  func findings(in row: CheckedRow) -> [RowFinding] {
    var findings: [RowFinding] = []
    for text in row.texts {
      let tokens = own?.all(in: text.bytes) ?? []
      if !tokens.isEmpty {
        findings.append(
          row.finding(
            .controlToken,
            "\(text.name) holds \(Self.list(tokens)), which becomes a control token of the model"))
      }
      let markup = known.all(in: text.bytes)
      if tokens.isEmpty, !markup.isEmpty {
        findings.append(
          row.finding(
            .chatMarkup, "\(text.name) holds \(Self.list(markup)), markup of a chat format"))
      }
    }
    return findings
  }

  /// Whether some text of the row becomes control tokens of the model.
  package func areIn(_ outcome: RowOutcome) -> Bool {
    guard let own else { return false }
    return CheckedRow(outcome).texts.contains { own.first(in: $0.bytes) != nil }
  }

  /// The text with a space inside each of these tokens, behind its first character, so that none is one any
  /// more and a reader still sees it; nil where there is none.
  ///
  /// - Parameter ofModel: The tokens of the model, otherwise markup of well-known formats.
  func broken(_ text: String, ofModel: Bool) -> String? {
    guard let patterns = ofModel ? own : known else { return nil }
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var done = 0
    while let found = patterns.first(in: bytes, from: done) {
      // The space stands behind the character's last byte.
      let first = found.text.unicodeScalars.first.map { UTF8.width($0) } ?? 1
      let place = found.range.lowerBound + first
      result += bytes[done..<place]
      if first < found.range.count { result.append(0x20) }
      done = place
    }
    return result.isEmpty ? nil : String(decoding: result + bytes[done...], as: UTF8.self)
  }

  private static func list(_ texts: [String]) -> String {
    texts.prefix(4).joined(separator: " ") + (texts.count > 4 ? " …" : "")
  }

  /// Control tokens and marks of formats in wide use, as their model cards show them.
  private static let wellKnown = [
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|begin_of_text|>",
    "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|user|>", "<|assistant|>",
    "<|system|>", "<|end|>", "<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|channel|>",
    "<|message|>", "<|return|>", "<start_of_turn>", "<end_of_turn>", "[INST]", "[/INST]",
    "<<SYS>>", "<</SYS>>", "</s>", "### Instruction:", "### Response:", "<｜User｜>", "<｜Assistant｜>",
    "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>",
  ]
}
