import Formats
import Text

/// Which part of the data a row is in.
package enum RowPart: String, Sendable {
  case train
  case heldOut = "held_out"
}

/// One text of a row as UTF-8.
struct CheckedText {
  enum Kind { case content, reasoning, call }

  /// "system", "user", "assistant" or "tool"; "text" where the row is no conversation.
  let role: String
  let kind: Kind
  let bytes: [UInt8]
  private let hashed: HashedWords

  init(role: String, kind: Kind = .content, _ text: String) {
    self.role = role
    self.kind = kind
    bytes = Array(text.utf8)
    hashed = HashedWords(bytes)
  }

  /// A hash for each word, made when a check asks for the first time.
  var words: [UInt64] { hashed.hashes }

  var isAnswer: Bool { role == "assistant" && kind == .content }

  /// How a sentence names the text.
  var name: String {
    switch (role, kind) {
    case ("text", _): "the text"
    case (_, .call): "a tool call"
    case (_, .reasoning): "the assistant's reasoning"
    case ("user", _): "the user's text"
    case ("assistant", _): "the assistant's text"
    case ("system", _): "the system prompt"
    default: "a tool's result"
    }
  }
}

private final class HashedWords {
  private let bytes: [UInt8]
  private(set) lazy var hashes = Words.hashes(bytes)

  init(_ bytes: [UInt8]) { self.bytes = bytes }
}

/// A row that was read, as the checks look at it.
struct CheckedRow {
  let outcome: RowOutcome
  let texts: [CheckedText]

  init(_ outcome: RowOutcome) {
    self.outcome = outcome
    let plain = outcome.plainTexts.map { CheckedText(role: $0.role, $0.text) }
    let messages = outcome.conversation?.messages ?? []
    // What both answers follow is one text.
    let others = outcome.rejected?.messages ?? []
    let common = zip(messages, others).prefix { $0.content.utf8.elementsEqual($1.content.utf8) }
      .count
    texts = plain + (messages + others.dropFirst(common)).flatMap(Self.texts)
  }

  private static func texts(of message: Message) -> [CheckedText] {
    var texts: [CheckedText] = []
    if let reasoning = message.reasoning {
      texts.append(CheckedText(role: message.role, kind: .reasoning, reasoning))
    }
    if !message.content.isEmpty {
      texts.append(CheckedText(role: message.role, message.content))
    }
    if !message.toolCallText.isEmpty {
      texts.append(CheckedText(role: message.role, kind: .call, message.toolCallText))
    }
    return texts
  }

  var place: RowPlace { outcome.place }

  /// The last answer, where there is one in words.
  var answer: CheckedText? { texts.last { $0.isAnswer } }

  func finding(
    _ kind: RowFindingKind, _ sentence: String, severity: RowFinding.Severity? = nil
  ) -> RowFinding {
    RowFinding(kind, place, sentence, severity: severity)
  }
}

/// A check that looks at one row at a time.
protocol RowCheck {
  func findings(in row: CheckedRow) -> [RowFinding]
}
