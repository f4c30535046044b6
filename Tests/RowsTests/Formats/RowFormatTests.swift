import Formats
import Testing
import Text

@testable import Rows

/// Rows beyond questions and answers, their recognition, and rows of a shape of their own.
@Suite struct RowFormatTests {
  private func read(
    _ text: String, _ format: RowFormat, _ mapping: RowMapping = RowMapping()
  ) throws -> ReadRow {
    let source = RowSource(path: "rows.jsonl", format: format, mapping: mapping)
    return try RowReader(source).read(try JSONParser.parse(text))
  }

  private func turns(_ row: ReadRow) -> [[String]] {
    row.content.conversations.map { conversation in
      conversation.messages.map { "\($0.role)=\($0.content)" + ($0.isTrained ? "" : " untrained") }
    }
  }

  private func fault(
    _ text: String, _ format: RowFormat, _ mapping: RowMapping = RowMapping()
  ) throws -> String {
    try #require(throws: RowFault.self) { try read(text, format, mapping) }.sentence
  }

  // MARK: Recognition

  @Test(arguments: [
    (#"{"instruction": "q", "output": "a"}"#, RowFormat.alpaca),
    (#"{"question": "q", "context": "c", "answer": "a"}"#, .alpaca),
    (#"{"prompt": "q", "response": "a"}"#, .alpaca),
    (#"{"conversations": [{"from": "human", "value": "q"}]}"#, .sharegpt),
    (#"{"messages": [{"role": "user", "content": "q"}], "label": 3}"#, .messages),
    (#"{"prompt": "q", "completion": "a"}"#, .completion),
    (#"{"text": "t", "url": "u"}"#, .text), (#"{"input_ids": [1, 2]}"#, .tokens),
    (#"{"prompt": "q", "chosen": "a", "rejected": "b"}"#, .preference),
    (#"{"prompt": "q", "completion": "a", "label": true}"#, .kto),
    (#"{"messages": [], "kto_tag": false}"#, .kto),
  ])
  func recognizesFormats(row: String, format: RowFormat) throws {
    let rows = [try JSONParser.parse(row), try JSONParser.parse("{\"odd\": 1}")]
    #expect(try RowFormat.recognized(rows, of: "f", mapping: RowMapping()) == format)
  }

  @Test func saysWhatItSawWhereNoFormatFits() throws {
    let odd = try JSONParser.parse(#"{"q": "x", "a": "y"}"#)
    let error = try #require(throws: Problem.self) {
      try RowFormat.recognized([odd], of: "f.jsonl", mapping: RowMapping())
    }
    #expect(error.description.contains("found \"q\", \"a\"; name the format"))
    let mapping = RowMapping(fields: ["instruction": "q", "output": "a"])
    #expect(try RowFormat.recognized([odd], of: "f.jsonl", mapping: mapping) == .alpaca)
    let text = try JSONParser.parse(#"{"text": "t"}"#)
    let chat = try JSONParser.parse(#"{"messages": [{"role": "user", "content": "q"}]}"#)
    let both = try #require(throws: Problem.self) {
      try RowFormat.recognized([text, chat], of: "f.jsonl", mapping: RowMapping())
    }
    #expect(both.description.contains("row 1 like \"text\", row 2 like \"messages\""))
    #expect(throws: Problem.self) {
      try RowFormat.recognized([], of: "f.jsonl", mapping: RowMapping())
    }
  }

  // MARK: Other formats

  @Test func readsPromptAndCompletion() throws {
    guard
      case .completion("q: ", "a") = try read(#"{"prompt": "q: ", "completion": "a"}"#, .completion)
        .content
    else {
      Issue.record("two texts are plain text")
      return
    }
    let lists =
      #"{"prompt": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "b"}, "#
      + #"{"role": "user", "content": "r"}], "completion": [{"role": "assistant", "content": "a"}]}"#
    #expect(
      turns(try read(lists, .completion)) == [
        ["user=q untrained", "assistant=b untrained", "user=r untrained", "assistant=a"]
      ])
    let mixed = #"{"prompt": "q", "completion": [{"role": "assistant", "content": "a"}]}"#
    #expect(try fault(mixed, .completion).contains("\"prompt\" is a string"))
    #expect(try fault(#"{"prompt": "q", "completion": " "}"#, .completion).contains("is empty"))
  }

  @Test func readsTokens() throws {
    func tokens(_ text: String) throws -> TokenizedRow {
      guard case .tokens(let row) = try read(text, .tokens).content else {
        throw RowFault("no tokens")
      }
      return row
    }
    #expect(try tokens(#"{"input_ids": [5, 6]}"#).labels == [5, 6])
    #expect(try tokens(#"{"input_ids": [5, 6], "labels": [-100, 6]}"#).labels == [-100, 6])
    #expect(try tokens(#"{"input_ids": [5, 6], "completion_mask": [0, 1]}"#).labels == [-100, 6])
    let padded = try tokens(#"{"input_ids": [0, 5, 6, 0], "attention_mask": [0, 1, 1, 0]}"#)
    #expect(padded.ids == [5, 6] && padded.labels == [5, 6])
    for (row, sentence) in [
      (#"{"input_ids": [5, 6], "labels": [5]}"#, "has 1 numbers, expected 2"),
      (#"{"input_ids": [5, 1.5]}"#, "holds 1.5"), (#"{"input_ids": [4294967296]}"#, "4294967296"),
      (#"{"input_ids": [-1]}"#, "negative"), (#"{"input_ids": []}"#, "is empty"),
      (#"{"input_ids": [5], "labels": [-7]}"#, "other than -100"),
      (#"{"input_ids": [5, 6, 7], "attention_mask": [1, 0, 1]}"#, "gaps"),
    ] {
      #expect(try fault(row, .tokens).contains(sentence))
    }
  }

  @Test func readsTwoAnswers() throws {
    let expected = [["user=q untrained", "assistant=a"], ["user=q untrained", "assistant=b"]]
    func message(_ role: String, _ text: String) -> String {
      #"{"role": "\#(role)", "content": "\#(text)"}"#
    }
    let (q, a, b) = (message("user", "q"), message("assistant", "a"), message("assistant", "b"))
    for row in [
      #"{"prompt": "q", "chosen": "a", "rejected": "b"}"#,
      #"{"prompt": [\#(q)], "chosen": [\#(a)], "rejected": [\#(b)]}"#,
      #"{"prompt": "q", "chosen": \#(a), "rejected": \#(b)}"#,
      #"{"chosen": [\#(q), \#(a)], "rejected": [\#(q), \#(b)]}"#,
      #"{"prompt": "q", "chosen": [\#(q), \#(a)], "rejected": [\#(q), \#(b)]}"#,
    ] {
      let read = try read(row, .preference)
      #expect(turns(read) == expected, "\(row)")
      #expect(read.content.needsComparison != nil && read.unused.isEmpty)
    }
    #expect(
      try fault(#"{"prompt": "q", "chosen": "a", "rejected": "a"}"#, .preference)
        .contains("are the same"))
    #expect(try fault(#"{"chosen": "a"}"#, .preference).contains("\"rejected\" is missing"))
  }

  @Test func readsLabelledAnswers() throws {
    let row = try read(#"{"prompt": "q", "completion": "a", "label": false}"#, .kto)
    #expect(turns(row) == [["user=q untrained", "assistant=a"]])
    guard case .labelled(_, isGood: false) = row.content else {
      Issue.record("the label is lost")
      return
    }
    #expect(
      try fault(#"{"prompt": "q", "completion": "a", "label": 1}"#, .kto).contains("a number"))
  }

  /// `data check` and `data prepare` sort rows by what their format says is wrong with them.
  @Test(arguments: [
    (#"{"prompt": "q"}"#, RowFormat.completion, RowFindingKind.missingField),
    (#"{"prompt": "q", "completion": ""}"#, .completion, .emptyAnswer),
    (#"{"input_ids": "5"}"#, .tokens, .wrongType), (#"{"text": 5}"#, .text, .wrongType),
    (#"{"prompt": "q", "chosen": "a"}"#, .preference, .missingField),
    (#"{"instruction": " ", "output": "a"}"#, .alpaca, .emptyQuestion),
    (#"{"messages": [{"role": "bard", "content": "a"}]}"#, .messages, .unknownRole),
    (#"{"messages": [{"role": "user", "content": "q"}]}"#, .messages, .endsWithUser),
    (
      #"{"messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]}"#, .messages,
      .brokenToolCall
    ),
  ])
  func faultsAreSorted(row: String, format: RowFormat, kind: RowFindingKind) throws {
    #expect(try #require(throws: RowFault.self) { try read(row, format) }.kind == kind)
  }

  // MARK: Weights, open questions, unused members

  @Test func readsWeights() throws {
    let row = try read(
      #"{"weight": 0.5, "messages": [{"role": "user", "content": "q", "weight": 1}, "#
        + #"{"role": "assistant", "content": "a", "weight": 2.5}, "#
        + #"{"role": "assistant", "content": "b", "train": false}]}"#, .messages)
    let conversation = try #require(row.content.conversations.first)
    #expect(conversation.weight == 0.5 && row.weight == 0.5)
    #expect(conversation.messages.map(\.weight) == [1, 2.5, 0])
    #expect(conversation.messages.allSatisfy { $0.body.keys == ["content"] })
    for bad in ["-1", "\"1\"", "1e9"] {
      #expect(
        try fault(#"{"instruction": "q", "output": "a", "weight": \#(bad)}"#, .alpaca)
          .contains("\"weight\" is"))
    }
  }

  @Test func leavesOpenQuestionsOut() throws {
    let row = try read(
      #"{"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}, "#
        + #"{"from": "human", "value": "thanks"}]}"#, .sharegpt)
    #expect(turns(row) == [["user=q", "assistant=a"]])
    let conversation = try #require(row.content.conversations.first)
    #expect(conversation.openQuestions == 1 && conversation.remarks.count == 1)
  }

  @Test func namesWhatItDoesNotUse() throws {
    let dolly =
      #"{"instruction": "q", "context": "c", "response": "a", "category": "qa", "id": null}"#
    let row = try read(dolly, .alpaca)
    #expect(turns(row) == [["user=q\n\nc", "assistant=a"]] && row.unused == ["category"])
    let chat = try read(
      #"{"id": 7, "messages": [{"role": "assistant", "content": "a", "mood": "good"}]}"#, .messages)
    // A message's own members go to the template.
    #expect(chat.unused == ["id"])
    #expect(chat.content.conversations.first?.messages[0].body["mood"] == "good")
  }

  // MARK: Messages whole

  @Test func keepsEveryKeyOfAMessage() throws {
    let row = try read(
      #"{"messages": [{"role": "user", "content": [{"type": "text", "text": "q"}], "name": "Ada"}, "#
        + #"{"role": "assistant", "content": null, "refusal": null, "reasoning_content": "r", "#
        + #""tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}}]}, "#
        + #"{"role": "tool", "content": "1", "tool_call_id": "c1"}, {"role": "assistant", "content": "a"}]}"#,
      .messages)
    let messages = try #require(row.content.conversations.first).messages
    #expect(messages[0].body["name"] == "Ada" && messages[0].body["content"]?.array?.count == 1)
    #expect(messages[1].body.keys == ["content", "reasoning_content", "tool_calls"])
    #expect(messages[1].body["content"] == .null)
    #expect(messages[1].toolCalls[0]["id"] == "c1")
    #expect(messages[1].toolCalls[0]["function"]?["arguments"] == "{\"x\": 1}")
    #expect(messages[2].body["tool_call_id"] == "c1")
  }

  @Test func turnsArgumentsIntoObjectsWhereAsked() throws {
    let text =
      #"{"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{\"x\": 1}"}}]}]}"#
    let source = RowSource(path: "r.jsonl", format: .messages, parsesToolArguments: true)
    let row = try RowReader(source).read(try JSONParser.parse(text))
    let call = row.content.conversations.first?.messages[0].toolCalls[0]
    #expect(call?["function"]?["arguments"] == ["x": 1])
  }

  @Test func readsOpenAIsOlderCalls() throws {
    let row = try read(
      #"{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "Let me see.", "#
        + #""function_call": {"name": "f", "arguments": "{}"}}, {"role": "function", "name": "f", "content": "1"}, "#
        + #"{"role": "assistant", "content": "a"}], "functions": [{"name": "f", "parameters": {}}]}"#,
      .messages)
    let conversation = try #require(row.content.conversations.first)
    #expect(
      conversation.tools == [["type": "function", "function": ["name": "f", "parameters": [:]]]])
    #expect(
      conversation.messages[1].toolCalls == [
        ["type": "function", "function": ["name": "f", "arguments": "{}"]]
      ])
    #expect(conversation.messages[1].body["function_call"] == nil)
    #expect(conversation.messages[2].role == "tool" && conversation.messages[2].body["name"] == "f")
    #expect(row.unused.isEmpty)
  }

  @Test func leavesPaddingOfTablesOut() throws {
    let row = try read(
      #"{"messages": [{"role": "assistant", "tool_calls": [{"type": "function", "function": "#
        + #"{"name": "f", "arguments": {"x": null, "y": null, "z": 1}}}]}], "tools": [{"type": "function", "function": "#
        + #"{"name": "f", "description": null, "parameters": {"type": "object", "properties": {"x": {"default": null}, "#
        + #""y": null, "z": {}}}}}]}"#, .messages)
    let conversation = try #require(row.content.conversations.first)
    let function = conversation.tools[0]["function"]
    #expect(function?["description"] == nil)
    #expect(function?["parameters"]?["properties"] == ["x": ["default": nil], "z": [:]])
    // The tool declares x, so its null is a value.
    #expect(
      conversation.messages[0].toolCalls[0]["function"]?["arguments"] == ["x": nil, "z": 1])
    #expect(conversation.remarks.count == 1 && conversation.remarks[0].contains("null"))
  }

  // MARK: Mapping

  @Test func readsRowsOfAShapeOfTheirOwn() throws {
    let mapping = RowMapping(
      fields: ["output": "meta.summary"], prompt: "Sum up {{briefly}}: {article} ({year})")
    let row = try read(
      #"{"article": "Water runs.", "year": 1899, "meta": {"summary": "Wet."}, "source": "x"}"#,
      .alpaca,
      mapping)
    #expect(turns(row) == [["user=Sum up {briefly}: Water runs. (1899)", "assistant=Wet."]])
    #expect(row.unused == ["source"])
    #expect(
      try fault(#"{"meta": {"summary": "Wet."}}"#, .alpaca, mapping).contains(
        "\"article\" is missing"))
    let chat = RowMapping(
      fields: ["messages": "dialog", "role": "speaker", "content": "said"],
      roles: ["customer": "user", "agent": "assistant"])
    let talk =
      #"{"dialog": [{"speaker": "customer", "said": "q"}, {"speaker": "agent", "said": "a"}]}"#
    #expect(turns(try read(talk, .messages, chat)) == [["user=q", "assistant=a"]])
  }
}
