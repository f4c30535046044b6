import Formats

/// Repairs rows by what was found in them.
struct RowRepairs {
  private let controlTokens: ControlTokens
  /// Personal data that is replaced; excerpts in reports must not show it either.
  private let redacted: [RowFindingKind]

  init(controlTokens: ControlTokens, policy: RowPolicy) {
    self.controlTokens = controlTokens
    redacted = Redaction.names.map(\.kind).filter { policy.action(for: $0) == .fix }
  }

  /// A row without what was found, and an example of what changed; nil where nothing can be done.
  func repaired(
    _ row: JSON, _ kind: RowFindingKind, mapping: RowMapping = RowMapping()
  ) -> (row: JSON, edit: TextEdit?)? {
    switch kind {
    case .repeatedKey: return (RepeatedKeyRepair.repaired(row), nil)
    case .endsWithUser: return OpenQuestionRepair.repaired(row, mapping: mapping).map { ($0, nil) }
    default:
      return changingTexts(of: row, mapping, isSecret: redacted.contains(kind)) {
        repaired($0, kind)
      }
    }
  }

  /// The row's texts without white space around them.
  func trimmed(
    _ row: JSON, mapping: RowMapping = RowMapping()
  ) -> (row: JSON, edit: TextEdit?)? {
    changingTexts(of: row, mapping, isSecret: false) { text in
      let scalars = text.unicodeScalars
      func isWord(_ scalar: Unicode.Scalar) -> Bool { !scalar.properties.isWhitespace }
      guard let first = scalars.firstIndex(where: isWord),
        let last = scalars.lastIndex(where: isWord)
      else { return nil }
      return String(scalars[first...last])
    }
  }

  private func changingTexts(
    of row: JSON, _ mapping: RowMapping, isSecret: Bool, _ change: (String) -> String?
  ) -> (row: JSON, edit: TextEdit?)? {
    var edit: TextEdit?
    let changed = RowTextEditor.changed(row, mapping: mapping) { text in
      guard let after = change(text.text) else { return nil }
      if edit == nil, !isSecret, !after.utf8.elementsEqual(text.text.utf8) {
        edit = TextEdit(text.name, before: masked(text.text), after: masked(after))
      }
      return after
    }
    return changed.map { ($0, edit) }
  }

  private func repaired(_ text: String, _ kind: RowFindingKind) -> String? {
    switch kind {
    case .mojibake: MojibakeRepair.repaired(text)
    case .controlCharacter, .invisibleCharacter: HiddenCharacterRepair.repaired(text, kind)
    case .controlToken: controlTokens.broken(text, ofModel: true)
    case .chatMarkup: controlTokens.broken(text, ofModel: false)
    default: Redaction.redacted(text, kind)
    }
  }

  private func masked(_ text: String) -> String {
    redacted.reduce(text) { Redaction.redacted($0, $1) ?? $0 }
  }
}
