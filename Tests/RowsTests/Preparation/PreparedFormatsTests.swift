import Formats
import Foundation
import TestSupport
import Testing
import Text

@testable import Rows

/// Rows of every format are prepared alike, under the names that they have.
@Suite struct PreparedFormatsTests {
  private static let address = "anna@fjord.io"

  private static let rows: [(RowFormat, String)] = [
    (.alpaca, #"{"instruction":"To anna@fjord.io?","output":"Yes, anna@fjord.io."}"#),
    (
      .sharegpt,
      #"{"conversations":[{"from":"human","value":"Hi"},{"from":"gpt","value":"anna@fjord.io"}]}"#
    ),
    (
      .messages,
      #"{"messages":[{"role":"user","content":"anna@fjord.io"},{"role":"assistant","content":"Yes"}]}"#
    ),
    (.completion, #"{"prompt":"Write to anna@fjord.io","completion":" and to no other"}"#),
    (.text, #"{"text":"Nobody but anna@fjord.io knows it.","id":"anna@fjord.io"}"#),
    (.preference, #"{"prompt":"Who?","chosen":"anna@fjord.io","rejected":"Nobody"}"#),
    (.preference, #"{"prompt":"Who?","chosen":"Nobody","rejected":"anna@fjord.io"}"#),
    (.kto, #"{"prompt":"Who?","completion":"anna@fjord.io","label":true}"#),
  ]

  @Test(arguments: rows.indices) func everyFormatIsRepaired(index: Int) throws {
    let (format, line) = Self.rows[index]
    for named in [format, .auto] {
      let files = try PreparedFiles([line], format: named)
      let report = try files.prepare { $0.policy = try RowPolicy(["email=fix"]) }
      let expected = line.replacing(Self.address, with: "[email]")
        .replacing(#""id":"[email]""#, with: #""id":"anna@fjord.io""#)
      #expect(try files.lines() == [expected])
      #expect(report.rowsFixed == 1 && report.outputs.map(\.format) == [format])
      #expect(try PreparedFiles.outcomes([expected], format).map(\.fault) == [nil])
    }
  }

  @Test func tokensStayAsTheyAre() throws {
    let lines = [#"{"input_ids":[1,2,3],"labels":[-100,2,3]}"#, #"{"input_ids":[1,2,4]}"#]
    let files = try PreparedFiles(lines + [lines[0]], format: .tokens)
    try files.prepare { $0.split = try RowSplit("a=1") }
    #expect(try files.lines("a.jsonl") == lines)
  }

  /// Two answers are two things to say: a row with another rejected answer is another row.
  @Test func bothAnswersCount() throws {
    let lines = ["North", "South"].map {
      #"{"prompt":"Where does it go?","chosen":"East","rejected":"\#($0)"}"#
    }
    let files = try PreparedFiles(lines + [lines[1]], format: .preference)
    try files.prepare()
    #expect(try files.lines() == lines)
  }

  @Test func mappedNamesAreFollowed() throws {
    let line =
      #"{"meta":{"question":"Who is anna@fjord.io?","id":"anna@fjord.io"},"reply":"Mail bo@fjord.io.","#
      + #""context":"cc anna@fjord.io","instruction":"bo@fjord.io"}"#
    var check = RowMapping(fields: ["instruction": "meta.question", "output": "reply"])
    check.fields["input"] = "context"
    let files = try PreparedFiles()
    let path = try files.directory.write("m.jsonl", (line + "\n").utf8)
    let source = RowSource(path: path, format: .alpaca, mapping: check)
    var run = PreparationRun(RowCheckRun([.init(source, .train)]))
    run.policy = try RowPolicy(["email=fix"])
    run.augmentation.systemPrompts = SystemPromptVariants(["S"])
    _ = try run.run(to: files.output)
    let row = try JSONParser.parse(try files.lines()[0])
    #expect(row["meta"]?["question"] == "Who is [email]?" && row["reply"] == "Mail [email].")
    #expect(row["meta"]?["id"] == "anna@fjord.io" && row["context"] == "cc [email]")
    #expect(row["system"] == "S")
  }

  @Test func mappedRolesAreFollowed() throws {
    let line =
      #"{"talk":[{"who":"customer","says":"I am anna@fjord.io"},{"who":"clerk","says":"Hello"},"#
      + #"{"who":"customer","says":"And?"}]}"#
    let mapping = RowMapping(
      fields: ["messages": "talk", "role": "who", "content": "says"],
      roles: ["customer": "user", "clerk": "assistant"])
    let files = try PreparedFiles()
    let path = try files.directory.write("m.jsonl", (line + "\n").utf8)
    let source = RowSource(path: path, format: .messages, mapping: mapping)
    var run = PreparationRun(RowCheckRun([.init(source, .train)]))
    run.policy = try RowPolicy(["email=fix", "ends-with-user=fix"])
    run.augmentation.systemPrompts = SystemPromptVariants(["S"])
    run.augmentation.typoShare = 1
    _ = try run.run(to: files.output)
    let talk = try #require(try JSONParser.parse(try files.lines()[0])["talk"]?.array)
    #expect(talk.map { $0["who"] } == ["system", "customer", "clerk"])
    #expect(talk.map { $0["says"] } == ["S", "I am [email]", "Hello"])
  }

  /// A prompt's columns are texts as well.
  @Test func columnsOfAPromptAreRepaired() throws {
    let line = #"{"article":"By anna@fjord.io","summary":"News","note":"anna@fjord.io"}"#
    let mapping = RowMapping(fields: ["output": "summary"], prompt: "Sum up {{all}}: {article}")
    let result = RowTextEditor.changed(try JSONParser.parse(line), mapping: mapping) {
      Redaction.redacted($0.text, .email)
    }
    #expect(result?["article"] == "By [email]" && result?["note"] == "anna@fjord.io")
  }

  /// Folders, tables and compressed files are read as everywhere; what is written is JSON Lines.
  @Test func foldersAndTablesArePrepared() throws {
    let files = try PreparedFiles()
    try FileManager.default.createDirectory(
      atPath: files.directory.path("in"), withIntermediateDirectories: true)
    _ = try files.directory.write("in/a.csv", "instruction,output\nWho?,Anna\nWho?,Anna\n".utf8)
    _ = try files.directory.write("in/b.jsonl", (PreparedFiles.row("Where?", "Here") + "\n").utf8)
    let source = RowSource(path: files.directory.path("in"), format: .auto)
    let report = try PreparationRun(RowCheckRun([.init(source, .train)])).run(to: files.output)
    #expect(
      try files.lines() == [PreparedFiles.row("Who?", "Anna"), PreparedFiles.row("Where?", "Here")])
    #expect(report.inputs.map { lastPathComponent($0.path) } == ["a.csv", "b.jsonl"])
    #expect(try files.changes().map { $0["line"] } == [3])
  }

  @Test func mappingsThatDifferAreFilesOfTheirOwn() throws {
    let files = try PreparedFiles()
    let sources = try ["q", "ask"].map { name in
      let path = try files.directory.write(
        "\(name).jsonl", "{\"\(name)\":\"Who?\",\"output\":\"I \(name)\"}\n".utf8)
      return RowCheckRun.Source(
        RowSource(path: path, format: .alpaca, mapping: RowMapping(fields: ["instruction": name])),
        .train)
    }
    let report = try PreparationRun(RowCheckRun(sources)).run(to: files.output)
    #expect(report.outputs.map(\.name) == ["rows-alpaca.jsonl", "rows-alpaca-2.jsonl"])
    #expect(report.outputs.map(\.rows) == [1, 1])
  }
}
