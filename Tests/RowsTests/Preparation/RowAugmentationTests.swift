import Formats
import TestSupport
import Testing

@testable import Rows

@Suite struct RowAugmentationTests {
  private func numbers(_ content: UInt64 = 1) -> SeededNumbers {
    SeededNumbers(.typo, seed: 42, content: content)
  }

  // MARK: System prompts

  @Test(
    arguments: [
      (#"{"instruction":"a","output":"b"}"#, #"{"instruction":"a","output":"b","system":"S"}"#),
      (
        #"{"instruction":"a","output":"b","system":""}"#,
        #"{"instruction":"a","output":"b","system":"S"}"#
      ),
      (
        #"{"system_prompt":null,"question":"a","answer":"b"}"#,
        #"{"system_prompt":"S","question":"a","answer":"b"}"#
      ),
      (
        #"{"conversations":[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]}"#,
        #"{"conversations":[{"from":"system","value":"S"},{"from":"human","value":"a"},{"from":"gpt","value":"b"}]}"#
      ),
      (
        #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#,
        #"{"messages":[{"role":"system","content":"S"},{"role":"user","content":"a"},"#
          + #"{"role":"assistant","content":"b"}]}"#
      ),
      (
        #"{"messages":[{"role":"system","content":"S"},{"role":"user","content":"a"}]}"#,
        #"{"messages":[{"role":"system","content":"S"},{"role":"user","content":"a"}]}"#
      ),
      // A prompt of its own stays; text has no place for one.
      (#"{"instruction":"a","output":"b","system":"mine"}"#, nil), (#"{"text":"abc"}"#, nil),
    ] as [(String, String?)])
  func aSystemPromptFindsItsPlace(row: String, expected: String?) throws {
    var numbers = numbers()
    let row = try JSONParser.parse(row)
    let isChat = row["messages"] != nil || row["conversations"] != nil
    let format: RowFormat = isChat ? .sharegpt : row["text"] == nil ? .alpaca : .text
    let source = RowSource(path: "", format: format)
    let result = SystemPromptVariants(["S"]).applied(to: row, of: source, &numbers)
    #expect((result?.row ?? row).text() == expected ?? row.text())
  }

  @Test func aKnownSystemPromptIsExchanged() throws {
    let variants = SystemPromptVariants(["one", "two", "three"])
    let row: JSON = ["system": "two", "instruction": "a", "output": "b"]
    let source = RowSource(path: "", format: .alpaca)
    var drawn: Set<String> = []
    for content in 0..<64 as Range<UInt64> {
      var numbers = numbers(content)
      drawn.insert(
        (variants.applied(to: row, of: source, &numbers)?.row ?? row)["system"]?.string ?? "")
    }
    #expect(drawn == ["one", "two", "three"])
  }

  @Test func systemPromptsAreReadFromFiles() throws {
    let directory = try TemporaryDirectory()
    let lines = try directory.write("p.txt", "Be brief.\r\n\n  \nBe kind.".utf8)
    #expect(try SystemPromptVariants(path: lines).prompts == ["Be brief.", "Be kind."])
    let list = try directory.write("p.json", #"["Be\nbrief.", "x"]"#.utf8)
    #expect(try SystemPromptVariants(path: list).prompts == ["Be\nbrief.", "x"])
    for (name, text) in [
      ("a.json", "[]"), ("b.json", "[1]"), ("c.json", #"{"a": "b"}"#), ("d.txt", " \n"),
      ("e.json", #"["a", " "]"#),
    ] {
      let path = try directory.write(name, text.utf8)
      #expect(throws: Problem.self, "\(name)") { try SystemPromptVariants(path: path) }
    }
    let latin = try directory.write("f.txt", [0x43, 0xE9])
    #expect(throws: Problem.self) { try SystemPromptVariants(path: latin) }
  }

  // MARK: Paraphrases

  private static let phrases = Paraphrases([
    ["Tell me about", "Explain"], ["what is", "WHAT'S"], ["I wonder", "Please say", "explain it"],
  ])

  @Test(
    arguments: [
      ("Tell me about bees and explain wasps.", ["Explain bees and explain wasps."]),
      ("Now explain bees", ["Now tell me about bees"]),
      ("Explain it, please", ["I wonder, please", "Please say, please"]),
      ("explain items", ["tell me about items"]), ("Unexplained", nil), ("", nil),
      ("please say who", ["I wonder who", "explain it who"]),
      ("So what is it?", ["So WHAT'S it?"]),
    ] as [(String, [String]?)])
  func aPhraseIsExchanged(text: String, expected: [String]?) {
    var found: Set<String?> = []
    for content in 0..<32 as Range<UInt64> {
      var numbers = numbers(content)
      found.insert(Self.phrases.exchanged(text, &numbers))
    }
    #expect(found == Set(expected.map { $0.map(Optional.some) } ?? [nil]))
  }

  @Test func paraphrasesAreReadFromAFile() throws {
    let directory = try TemporaryDirectory()
    let good = try directory.write("p.json", #"{"ask": ["Say", "Tell"]}"#.utf8)
    var numbers = numbers()
    #expect(try Paraphrases(path: good).exchanged("Say it", &numbers) == "Tell it")
    for text in [#"["a"]"#, "{}", #"{"a": ["b"]}"#, #"{"a": "b"}"#, #"{"a": ["b", 1]}"#, "{"] {
      let path = try directory.write("bad.json", text.utf8)
      #expect(throws: Problem.self, "\(text)") { try Paraphrases(path: path) }
    }
  }

  // MARK: Slips

  @Test func slipsAreSmallAndRare() {
    var rows = GoodRows(seed: 6)
    var (slips, words) = (0, 0)
    for content in 0..<400 as Range<UInt64> {
      let text = rows.sentences(3)
      var numbers = numbers(content)
      let result = TypingSlips.applied(to: text, share: 0.1, &numbers) ?? text
      let pairs = zip(text.split(separator: " "), result.split(separator: " "))
      #expect(text.split(separator: " ").count == result.split(separator: " ").count)
      for (old, new) in pairs {
        if old.count >= 4 { words += 1 }
        if old == new { continue }
        slips += 1
        #expect(old.count >= 4 && old.first == new.first, "\(old) \(new)")
        #expect(
          new.count == old.count - 1 || (new.count == old.count && new.sorted() == old.sorted()))
      }
    }
    #expect((0.07...0.11).contains(Double(slips) / Double(words)))
  }

  @Test func codeNamesAndShortWordsHaveNoSlips() {
    for text in [
      "NASA USA a the 1234567 x.y.zebra snake_case https://a.example/path 渡口在早上六点开门",
      "`let number = count`", "`a` everything behind code as well", "",
    ] {
      var numbers = numbers()
      #expect(TypingSlips.applied(to: text, share: 1, &numbers) == nil, "\(text)")
    }
    var numbers = numbers()
    #expect(TypingSlips.applied(to: "Where goes the überquerung?", share: 1, &numbers) != nil)
  }

  // MARK: Rows

  private static let lines = (0..<60).map {
    PreparedFiles.row("Tell me about the ferry number \($0), please", "Explain: it is \($0).")
  }

  private func augmented(_ run: inout PreparationRun) {
    run.augmentation.systemPrompts = SystemPromptVariants(["Be brief.", "Be kind."])
    run.augmentation.paraphrases = Self.phrases
    run.augmentation.typoShare = 0.3
  }

  @Test func answersStayAndEveryChangeIsListed() throws {
    let files = try PreparedFiles(Self.lines)
    let report = try files.prepare { augmented(&$0) }
    let rows = try files.lines().map { try JSONParser.parse($0) }
    #expect(rows.count == 60 && report.rowsAugmented == 60)
    #expect(rows.map { $0["output"] } == Self.lines.map { try? JSONParser.parse($0)["output"] })
    #expect(Set(rows.compactMap { $0["system"]?.string }) == ["Be brief.", "Be kind."])
    let changes = try files.changes()
    for kind in ["system-prompt", "paraphrase", "typo"] {
      let count = changes.count { $0["kind"]?.string == kind && $0["action"] == "augmented" }
      #expect(count == report.entries.first { $0.name == kind }?.augmented)
    }
    #expect((15...45).contains(report.entries.first { $0.name == "paraphrase" }?.augmented ?? 0))
    let outcomes = try PreparedFiles.outcomes(try files.lines(), .alpaca)
    #expect(outcomes.allSatisfy { $0.fault == nil && $0.rows.count == 1 })
  }

  @Test func copiesStandBesideRowsThatStay() throws {
    let files = try PreparedFiles(Self.lines)
    let report = try files.prepare {
      augmented(&$0)
      $0.augmentation.systemPrompts = nil
      $0.augmentation.copies = 3
    }
    let rows = try files.lines()
    #expect(Set(Self.lines).isSubset(of: rows))
    #expect(rows.count == 60 + report.copies && (120...180).contains(report.copies))
    #expect(Set(rows).count == rows.count)
    let copies = try files.changes().filter { $0["action"] == "copied" }
    #expect(copies.count == report.copies && report.rowsAugmented == 0)
    #expect(copies.allSatisfy { (1...3).contains($0["copy"]?.integer ?? 0) })
  }

  /// What is measured on stays, but for the system prompt; copies are on the side of their row.
  @Test func heldOutRowsAreNotVaried() throws {
    let files = try PreparedFiles(Self.lines)
    try files.prepare {
      augmented(&$0)
      $0.augmentation.copies = 2
      $0.split = try RowSplit("train=0.5,validation=0.5")
    }
    let held = try files.lines("validation.jsonl").map { try JSONParser.parse($0) }
    let train = try files.lines("train.jsonl").map { try JSONParser.parse($0) }
    #expect(held.count < 45 && train.count > 60)
    #expect(
      held.allSatisfy { $0["instruction"]?.string?.hasPrefix("Tell me about the ferry") ?? false })
    #expect(held.allSatisfy { $0["system"] != nil })
    let answers = Set(held.compactMap { $0["output"]?.string })
    #expect(train.allSatisfy { !answers.contains($0["output"]?.string ?? "") })
  }

  /// A row's variation follows from the row: others do not move it, and the seed does.
  @Test func variationsAreRepeatable() throws {
    func prepared(_ lines: [String], seed: UInt64 = 42) throws -> [String] {
      let files = try PreparedFiles(lines)
      try files.prepare {
        augmented(&$0)
        $0.seed = seed
      }
      return try files.lines()
    }
    let all = try prepared(Self.lines)
    #expect(try prepared(Self.lines) == all)
    #expect(try prepared(Array(Self.lines[30...])) == Array(all[30...]))
    #expect(try prepared(Self.lines, seed: 43) != all)
  }
}
