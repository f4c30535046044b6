import Formats

/// Makes other rows of a row, small and repeatable: what becomes of a row follows from the row and a seed.
///
/// Answers stay as they are.
package struct RowAugmentation: Sendable {
  package var systemPrompts: SystemPromptVariants?
  package var paraphrases: Paraphrases?
  /// How many of the questions with a known phrase are paraphrased.
  package var paraphraseShare = 0.5
  /// How many of a question's words get a slip.
  package var typoShare = 0.0
  /// Copies that are written beside each row; 0: the row itself is changed.
  package var copies = 0

  package init() {}

  package var isEmpty: Bool { systemPrompts == nil && !changesQuestions }

  package var changesQuestions: Bool { paraphrases != nil || typoShare > 0 }

  /// A row, and what was done to it: by kind and text.
  struct Variant {
    var row: JSON
    var edits: [(kind: String, edit: TextEdit)] = []
  }

  /// - Parameters:
  ///   - content: `RowIdentity` of the row.
  ///   - copy: 0 for the row itself.
  ///   - isNoisy: Whether questions may be changed.
  func variant(
    of row: JSON, _ source: RowSource, content: UInt64, seed: UInt64, copy: Int, isNoisy: Bool
  ) -> Variant {
    var variant = Variant(row: row)
    func numbers(_ purpose: SeededNumbers.Purpose) -> SeededNumbers {
      SeededNumbers(purpose, seed: seed, content: content, copy: copy)
    }
    if let systemPrompts {
      var drawn = numbers(.systemPrompt)
      if let (changed, edit) = systemPrompts.applied(to: variant.row, of: source, &drawn) {
        variant.row = changed
        variant.edits.append(("system-prompt", edit))
      }
    }
    guard isNoisy else { return variant }
    if let paraphrases {
      var drawn = numbers(.paraphrase)
      variant.changeQuestions("paraphrase", source.mapping) { text in
        drawn.fraction() < paraphraseShare ? paraphrases.exchanged(text, &drawn) : nil
      }
    }
    if typoShare > 0 {
      var drawn = numbers(.typo)
      variant.changeQuestions("typo", source.mapping) {
        TypingSlips.applied(to: $0, share: typoShare, &drawn)
      }
    }
    return variant
  }

  var json: JSON {
    [
      "system_prompts": systemPrompts.map { .array($0.prompts.map(JSON.string)) } ?? .null,
      "paraphrase": .bool(paraphrases != nil),
      "paraphrase_share": .number(paraphraseShare), "typo_share": .number(typoShare),
      "copies": .integer(copies),
    ]
  }
}

extension RowAugmentation.Variant {
  fileprivate mutating func changeQuestions(
    _ kind: String, _ mapping: RowMapping, _ change: (String) -> String?
  ) {
    var edits: [(kind: String, edit: TextEdit)] = []
    let changed = RowTextEditor.changed(row, mapping: mapping) { text in
      guard text.kind == .question, let after = change(text.text) else { return nil }
      edits.append((kind, TextEdit(text.name, before: text.text, after: after)))
      return after
    }
    guard let changed else { return }
    row = changed
    self.edits += edits
  }
}
