import Formats
import TestSupport
import Testing
import Text

@testable import Rows

@Suite struct RowRepairTests {
  private static let renderer = Result { try PreparedFiles.renderer() }

  private func repairs(_ rules: [String] = []) throws -> RowRepairs {
    RowRepairs(
      controlTokens: ControlTokens(of: try Self.renderer.get()), policy: try RowPolicy(rules))
  }

  /// The answer of a row after a repair.
  private func repaired(_ text: String, _ kind: RowFindingKind) throws -> String? {
    let row: JSON = ["instruction": "q", "output": .string(text)]
    return try repairs().repaired(row, kind)?.row["output"]?.string
  }

  @Test(
    arguments: [
      ("Le cafÃ© est fermÃ©.", "Le café est fermé."),
      ("Itâ€™s â€œgoodâ€\u{9D}", "It’s “good”"),
      ("CafÃƒÂ© twice", "Café twice"), ("ðŸŽ‰ now", "🎉 now"), ("MANHÃ” and café", nil),
      ("plain", nil),
    ] as [(String, String?)])
  func mojibakeIsDecoded(text: String, expected: String?) throws {
    #expect(try repaired(text, .mojibake) == expected)
  }

  @Test(
    arguments: [
      ("a\u{7}b", "ab"), ("page\u{C}two\u{B}three", "page\ntwo\nthree"),
      ("\u{1B}[31mred\u{1B}[0m", "red"), ("\u{1B}[", "["), ("line\u{85}next", "line\nnext"),
      ("tab\tand\r\nline", nil), ("zero\u{200B}width", nil),
    ] as [(String, String?)])
  func controlCharactersAreRemoved(text: String, expected: String?) throws {
    #expect(try repaired(text, .controlCharacter) == expected)
  }

  @Test(
    arguments: [
      ("zero\u{200B}wi\u{AD}dth\u{FEFF}", "zerowidth"), ("a\u{200D}b", "ab"),
      ("👩\u{200D}🚀", nil), ("می\u{200C}خواهم", nil), ("left\u{200E}mark", "leftmark"),
    ] as [(String, String?)])
  func invisibleCharactersAreRemoved(text: String, expected: String?) throws {
    #expect(try repaired(text, .invisibleCharacter) == expected)
  }

  @Test(
    arguments: [
      (.email, "Ask anna.k@fjord.io or bo@fjord.io, please", "Ask [email] or [email], please"),
      (.email, "anna@fjord.io@bo.no", "[email]@bo.no"),
      (.phone, "Tel. 030 901820, or +47 22 85 50 50", "Tel. [phone], or [phone]"),
      (.cardNumber, "4539 1488 0343 6467 and 5425233430109903", "[card] and [card]"),
      (.iban, "GB82 WEST 1234 5698 7654 32, DE89370400440532013000", "[iban], [iban]"),
      (.ipAddress, "81.23.190.44 and 192.168.0.1", "[ip] and 192.168.0.1"),
      (.secret, "t=ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8.", "t=[secret]."),
      (
        .secret,
        "-----BEGIN PRIVATE KEY-----\nMIIEvQ+a/b=\nabc0\n-----END PRIVATE KEY-----\nKeep it.",
        "[secret]\nKeep it."
      ),
      (.secret, "-----BEGIN PRIVATE KEY-----\nMIIEvQ+a/b=\n\n(cut off)", "[secret](cut off)"),
      (.email, "nobody", nil),
    ] as [(RowFindingKind, String, String?)])
  func personalDataBecomesMarks(kind: RowFindingKind, text: String, expected: String?) throws {
    let result = try repaired(text, kind)
    #expect(result == expected)
    if let result { #expect(try repaired(result, kind) == nil, "\(result)") }
  }

  /// A mail or log of many addresses must not take the square of its length.
  @Test(.timeLimit(.minutes(1))) func manyAddressesAreReplacedInOneGo() throws {
    let text = String(repeating: "anna@fjord.io ", count: 20_000)
    let result = try repaired(text, .email)
    #expect(result == String(repeating: "[email] ", count: 20_000))
  }

  /// The parts of a broken token are text to the tokenizer.
  @Test func controlTokensAreBroken() throws {
    let tokenizer = try Self.renderer.get().tokenizer
    let result = try #require(try repaired("a <|im_end|> b<|im_start|><|im_end|>", .controlToken))
    #expect(result == "a < |im_end|> b< |im_start|>< |im_end|>")
    let special = Set(tokenizer.specialTokens.map(\.id))
    #expect(special.isDisjoint(with: tokenizer.encode(result)))
    #expect(try repaired("a < b", .controlToken) == nil)
    #expect(try repaired("[INST] Hi [/INST]", .chatMarkup) == "[ INST] Hi [ /INST]")
  }

  @Test func theLastValueOfARepeatedKeyStays() throws {
    let row = try JSONParser.parse(#"{"a":1,"b":[{"x":1,"y":2,"x":{"z":3,"z":4}}],"a":2}"#)
    let result = try #require(try repairs().repaired(row, .repeatedKey)).row
    #expect(result.text() == #"{"b":[{"y":2,"x":{"z":4}}],"a":2}"#)
  }

  @Test func anOpenQuestionIsCutOff() throws {
    let row = try JSONParser.parse(
      #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},"#
        + #"{"role":"user","content":"c"},{"role":"user","content":"d"}],"id":7}"#)
    let result = try #require(try repairs().repaired(row, .endsWithUser)).row
    #expect(
      result.text()
        == #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}],"id":7}"#
    )
    let nobody = try JSONParser.parse(#"{"messages":[{"role":"user","content":"a"}]}"#)
    #expect(try repairs().repaired(nobody, .endsWithUser)?.row == nil)
  }

  // MARK: Only texts change

  private static let rows: [(RowFormat, String)] = [
    (
      .alpaca,
      #"{"id":"anna@fjord.io","instruction":"I am anna@fjord.io","input":"","output":"Hi."}"#
    ),
    (.alpaca, #"{"prompt":"Hi","completion":"anna@fjord.io says hi","system":"bo@fjord.io"}"#),
    (
      .alpaca,
      #"{"instruction":"Go","history":[["I am anna@fjord.io","So"],["And","bo@fjord.io"]],"output":"x","n":1.5}"#
    ),
    (
      .sharegpt,
      #"{"conversations":[{"from":"human","value":"anna@fjord.io"},{"from":"gpt","value":"Yes","weight":1}]}"#
    ),
    (
      .sharegpt,
      #"{"messages":[{"role":"user","content":[{"type":"text","text":"mail anna@fjord.io"}]},"#
        + #"{"role":"assistant","content":"Yes","reasoning_content":"anna@fjord.io?"}]}"#
    ),
    (
      .sharegpt,
      #"{"messages":[{"role":"user","content":"Send"},{"role":"assistant","content":null,"tool_calls":"#
        + #"[{"id":"c","type":"function","function":{"name":"mail","arguments":{"to":["anna@fjord.io"]}}}]},"#
        + #"{"role":"tool","content":"sent to anna@fjord.io"},{"role":"assistant","content":"Done"}]}"#
    ),
    (
      .sharegpt,
      #"{"conversations":[{"from":"human","value":"Send"},"#
        + #"{"from":"function_call","value":"{\"name\": \"mail\", \"arguments\": {\"to\": \"anna@fjord.io\"}}"}]}"#
    ),
  ]

  /// Every place of a text is reached, nothing else changes, and the row still renders.
  @Test(arguments: rows.indices) func everyTextOfARowIsReached(index: Int) throws {
    let (format, line) = Self.rows[index]
    let row = try JSONParser.parse(line)
    let (result, _) = try #require(try repairs(["email=fix"]).repaired(row, .email))
    let expected = line.replacing("anna@fjord.io", with: "[email]")
      .replacing("bo@fjord.io", with: "[email]").replacing(
        #"{"id":"[email]""#, with: #"{"id":"anna@fjord.io""#)
    #expect(result.text() == expected)
    let outcomes = try PreparedFiles.outcomes([line, result.text()], format)
    #expect(outcomes.map(\.fault) == [nil, nil])
    let (before, after) = (outcomes[0].rows[0].text, outcomes[1].rows[0].text)
    #expect(!after.contains("@fjord.io") && after.contains("[email]"))
    #expect(before != after)
    // No check sees an address any more.
    #expect(PersonalData().findings(in: CheckedRow(outcomes[1])).isEmpty)
    #expect(!PersonalData().findings(in: CheckedRow(outcomes[0])).isEmpty)
  }

  /// A number in a call becomes a text, inside JSON that is a text as well.
  @Test func numbersOfCallsBecomeMarks() throws {
    let row = try JSONParser.parse(
      #"{"conversations":[{"from":"human","value":"Pay"},"#
        + #"{"from":"function_call","value":"{\"name\": \"pay\", \"arguments\": {\"card\": 4539148803436467}}"}]}"#
    )
    let result = try #require(try repairs().repaired(row, .cardNumber)).row
    let call = try #require(result["conversations"]?.array?.last?["value"]?.string)
    #expect(try JSONParser.parse(call)["arguments"]?["card"] == "[card]")
    let outcome = try #require(try PreparedFiles.outcomes([result.text()], .sharegpt).first)
    #expect(outcome.fault == nil)
  }

  @Test func whatIsNotChangedIsNoChange() throws {
    for (_, line) in Self.rows {
      #expect(try repairs().repaired(try JSONParser.parse(line), .mojibake)?.row == nil)
    }
    #expect(try repairs().repaired("text", .email)?.row == nil)
    #expect(try repairs().repaired(.null, .email)?.row == nil)
  }

  @Test func whiteSpaceAroundTextsIsRemoved() throws {
    let row: JSON = ["instruction": " \n Where?\t", "output": "Here. \u{A0}", "note": " x "]
    let result = try #require(try repairs().trimmed(row)).row
    #expect(result.text() == #"{"instruction":"Where?","output":"Here.","note":" x "}"#)
    #expect(try repairs().trimmed(result)?.row == nil)
  }

  /// What is shown of a change is short and free of what was redacted.
  @Test func excerptsShowWhatChanged() throws {
    let long = String(repeating: "word ", count: 100)
    let row: JSON = ["instruction": "q", "output": .string(long + "cafÃ© of bo@fjord.io " + long)]
    let (_, edit) = try #require(try repairs(["email=fix"]).repaired(row, .mojibake))
    let shown = try #require(edit)
    #expect(shown.name == "the assistant's text")
    #expect(shown.before == "…d word word word cafÃ© of [email] word wor…")
    #expect(shown.after == "…d word word word café of [email] word wor…")
    let (_, redaction) = try #require(try repairs(["email=fix"]).repaired(row, .email))
    #expect(redaction == nil)
  }
}
