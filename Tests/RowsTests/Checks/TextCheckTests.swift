import Formats
import Testing
import Text

@testable import Rows

/// Checks of single texts: what they find, and what they leave alone.
@Suite struct TextCheckTests {
  private func kinds(_ check: some RowCheck, question: String = "Why?", _ answer: String) -> Set<
    String
  > {
    let conversation = Conversation(messages: [
      Message(role: "user", content: question), Message(role: "assistant", content: answer),
    ])
    let row = CheckedRow(
      RowOutcome(
        place: RowPlace(file: "r.jsonl", index: 0, line: 1, isLineFile: true), json: .null,
        conversation: conversation, rows: [], fault: nil))
    return Set(check.findings(in: row).map(\.kind.rawValue))
  }

  @Test(arguments: [
    ("Le cafÃ©", true), ("itâ€™s", true), ("Ð¿Ñ€Ð¸Ð²ÐµÑ‚", true), ("ä½ å¥½ä¸–ç•Œ", true),
    ("25Â°C", true),
    ("ðŸ˜€", true), ("ï»¿text", true), ("Ã¼ber", true), ("café, naïve, Ærø", false),
    ("«\u{A0}café\u{A0}» et «\u{A0}voilà\u{A0}»", false), ("MANHÃ” e “MAÇÔ", false),
    ("ESPAÑA Ñandú", false), ("il a été…”", false), ("SÃO PAULO", false), ("", false),
  ])
  func mojibake(text: String, isFound: Bool) {
    #expect(!kinds(Mojibake(), text).isEmpty == isFound)
  }

  @Test(
    arguments: [
      ("a\u{FFFD}", ["replacement-character"]), ("a\u{1B}[0m", ["control-character"]),
      ("a\u{85}b", ["control-character"]), ("a\u{200B}b", ["invisible-character"]),
      ("re\u{AD}port", ["invisible-character"]), ("a\u{202E}b", ["invisible-character"]),
      ("a\u{200E}b", ["invisible-character"]), ("a\u{200D}b", ["invisible-character"]),
      ("\u{FEFF}a", ["invisible-character"]), ("שלום\u{200F} a", []), ("👩\u{200D}🚀", []),
      ("می\u{200C}خواهم", []), ("a\tb\r\nc", []), ("naïve £5\u{A0}€", []),
    ] as [(String, [String])])
  func hiddenCharacters(text: String, expected: [String]) {
    #expect(kinds(HiddenCharacters(), text) == Set(expected))
  }

  @Test(arguments: [
    ("```\nx\n", true), ("```swift\nx\n```\n", false), ("````\n```\n````", false),
    ("~~~\n```\n", true),
    ("```x```", false), ("1. a\n   ```\n   b\n   ```", false), ("```\n```\n```\n", true),
    ("``", false),
  ])
  func codeFences(text: String, isOpen: Bool) {
    #expect(!kinds(CodeFence(), text).isEmpty == isOpen)
  }

  @Test(
    arguments: [
      ("TODO", ["placeholder"]), ("n/a", ["placeholder"]), ("TODO: write this", ["placeholder"]),
      ("NaN", ["placeholder"]), ("Lorem ipsum dolor", ["placeholder"]),
      ("As an AI language model, I", ["refusal"]), ("I’m sorry, but I can’t do it.", ["refusal"]),
      ("None.", []), ("Put // TODO above it, then call N/A.", []), ("No", []),
      ("The phrase is todo list.", []),
    ] as [(String, [String])])
  func placeholders(text: String, expected: [String]) {
    #expect(kinds(Placeholder(), text) == Set(expected))
  }

  @Test(arguments: [
    ("Where does the ferry land?", "where does the ferry land", true),
    ("Where does the ferry land?", "The ferry lands here.", false), ("Yes", "Yes", false),
    (
      "Tell me where the old ferry lands on Sundays",
      "Tell me where the old ferry lands on Sundays: here.",
      true
    ),
    ("Where is it?", "Where is it? Over there.", false),
  ])
  func echoes(question: String, answer: String, isEcho: Bool) {
    #expect(!kinds(EchoedQuestion(), question: question, answer).isEmpty == isEcho)
  }

  @Test(arguments: [
    (String(repeating: "no ", count: 40), true),
    (String(repeating: "row the boat ", count: 20), true),
    (String(repeating: "a b c ", count: 5), false), (String(repeating: "| - ", count: 50), false),
  ])
  func loops(text: String, isLoop: Bool) {
    #expect(!kinds(LoopingAnswer(), "It goes on: " + text).isEmpty == isLoop)
  }

  @Test func controlTokensAreThoseOfTheModel() {
    let model = ControlTokens(["<|im_end|>", "<s>"])
    #expect(kinds(model, "a <s> b") == ["control-token"])
    #expect(kinds(model, "a </s> b") == ["chat-markup"])
    #expect(kinds(ControlTokens(nil), "a <|im_end|> b") == ["chat-markup"])
    #expect(kinds(ControlTokens(nil), "a < b | c > d [1]") == [])
  }

  @Test(
    arguments: [
      (["user", "assistant"], nil), (["system", "user", "assistant", "user", "assistant"], nil),
      (["user", "assistant", "assistant"], "both of the assistant"),
      (["assistant"], "speaks first"),
      (["user", "system", "assistant"], "of the system"),
      (["user", "user", "assistant"], "of the user"),
    ] as [([String], String?)])
  func order(roles: [String], fault: String?) {
    let conversation = Conversation(messages: roles.map { Message(role: $0, content: "x") })
    let found = TurnOrder.fault(in: conversation)
    #expect(fault.map { found?.contains($0) == true } ?? (found == nil), "\(found ?? "none")")
  }

  @Test func kindsHaveStableNames() {
    let names = RowFindingKind.allCases.map(\.rawValue)
    #expect(Set(names).count == names.count && names.count >= 40)
    #expect(names.allSatisfy { $0.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil })
    #expect(RowFindingKind.allCases.allSatisfy { $0.advice.hasSuffix(".") })
  }
}
