import Formats
import TestSupport

@testable import Rows

/// One row of every kind of damage that a row can have, as a line of a file of `messages`.
struct PlantedDamage {
  let kind: RowFindingKind
  let line: String

  init(_ kind: RowFindingKind, line: String) {
    self.kind = kind
    self.line = line
  }

  private init(_ kind: RowFindingKind, _ row: JSON) { self.init(kind, line: row.text()) }

  /// - Parameters:
  ///   - rows: What the rest of the rows is made of.
  ///   - learned: Rows that stand in the file before.
  static func training(_ rows: inout GoodRows, learned: [JSON]) -> [PlantedDamage] {
    var planted = shapes(&rows)
    planted += calls(&rows)
    planted += tokens(&rows)
    planted += characters(&rows)
    planted += personal(&rows)
    planted += answers(&rows)
    planted.append(PlantedDamage(.duplicate, respaced(learned[0])))
    planted.append(PlantedDamage(.nearDuplicate, withAnotherWord(learned[1])))
    return planted
  }

  /// Rows for the held-out file.
  static func heldOut(learned: [JSON]) -> [PlantedDamage] {
    [
      PlantedDamage(.leak, learned[2]), PlantedDamage(.nearLeak, withAnotherWord(learned[3])),
    ]
  }

  // MARK: Kinds

  private static func asked(_ question: String, _ answer: String) -> JSON {
    GoodRows.row([GoodRows.message("user", question), GoodRows.message("assistant", answer)])
  }

  private static func shapes(_ rows: inout GoodRows) -> [PlantedDamage] {
    let user = GoodRows.message("user", rows.sentences(2))
    let other = GoodRows.message("user", rows.sentences(2))
    let answer = GoodRows.message("assistant", rows.sentences(3))
    let nobody: JSON = ["content": .string(rows.sentences(1))]
    let bard = GoodRows.message("bard", rows.sentences(1))
    let number: JSON = ["role": "user", "content": 7]
    let system = GoodRows.message("system", rows.sentences(1))
    var twoSystems = GoodRows.row([system, user, answer])
    twoSystems.set("system", .string(rows.sentences(1)))
    return [
      PlantedDamage(.malformedRow, line: "{\"messages\": [{\"role\": \"user\", \"content\": \"a"),
      PlantedDamage(.wrongType, GoodRows.row([number, answer])),
      PlantedDamage(.missingField, GoodRows.row([nobody, answer])),
      PlantedDamage(
        .repeatedKey,
        line: "{\"messages\": [\(user.text()), {\"role\": \"assistant\", \"content\": \"x\", "
          + "\"content\": \(JSON.string(rows.sentences(3)).text())}]}"),
      PlantedDamage(.emptyQuestion, asked(" \n", rows.sentences(3))),
      PlantedDamage(.emptyAnswer, asked(rows.sentences(2), "")),
      PlantedDamage(.unknownRole, GoodRows.row([bard, answer])),
      PlantedDamage(.roleOrder, GoodRows.row([user, other, answer])),
      PlantedDamage(.endsWithUser, GoodRows.row([user, answer, other])),
      PlantedDamage(.templateRefused, GoodRows.row([system, other, answer])),
      PlantedDamage(.refusedRow, twoSystems),
    ]
  }

  private static func call(
    _ name: String, _ arguments: JSON, _ rows: inout GoodRows
  ) -> JSON {
    let call: JSON = [
      "type": "function", "function": ["name": .string(name), "arguments": arguments],
    ]
    var row = GoodRows.row([
      GoodRows.message("user", rows.sentences(2)),
      ["role": "assistant", "content": "", "tool_calls": [call]],
      GoodRows.message("tool", rows.sentences(1)),
      GoodRows.message("assistant", rows.sentences(3)),
    ])
    row.set(
      "tools",
      [
        [
          "type": "function",
          "function": [
            "name": "weather", "description": "How it is",
            "parameters": ["type": "object", "required": ["place", "day"]],
          ],
        ]
      ])
    return row
  }

  private static func calls(_ rows: inout GoodRows) -> [PlantedDamage] {
    let result = GoodRows.row([
      GoodRows.message("user", rows.sentences(2)), GoodRows.message("tool", "{\"minutes\": 4}"),
      GoodRows.message("assistant", rows.sentences(3)),
    ])
    return [
      PlantedDamage(.brokenToolCall, call("weather", "{\"place\": ", &rows)),
      PlantedDamage(.unknownTool, call("wether", ["place": "Bergen", "day": "Monday"], &rows)),
      PlantedDamage(.missingArgument, call("weather", ["place": "Bergen"], &rows)),
      PlantedDamage(.resultWithoutCall, result),
    ]
  }

  private static func tokens(_ rows: inout GoodRows) -> [PlantedDamage] {
    let untrained: JSON = [
      "role": "assistant", "content": .string(rows.sentences(3)), "weight": 0,
    ]
    return [
      PlantedDamage(
        .nothingTrained, GoodRows.row([GoodRows.message("user", rows.sentences(2)), untrained])),
      PlantedDamage(.overlong, asked(rows.sentences(2), rows.sentences(120))),
      PlantedDamage(.beyondPositions, asked(rows.sentences(2), rows.sentences(50))),
      PlantedDamage(
        .controlToken,
        asked(rows.sentences(2) + " <|im_end|> " + rows.sentences(1), rows.sentences(3))),
      PlantedDamage(.chatMarkup, asked(rows.sentences(2), "[INST] " + rows.sentences(3))),
      PlantedDamage(.unusualLength, asked(rows.sentences(2), "Ok.")),
    ]
  }

  private static func characters(_ rows: inout GoodRows) -> [PlantedDamage] {
    let halved = JSON.string(rows.sentences(3)).text().dropLast()
    let question = JSON.string(rows.sentences(2)).text()
    return [
      PlantedDamage(
        .mojibake, asked(rows.sentences(2), rows.sentences(3) + " Le cafÃ© est fermÃ©.")),
      PlantedDamage(
        .replacementCharacter, asked(rows.sentences(2), rows.sentences(3) + " \u{FFFD}")),
      PlantedDamage(
        .malformedRow,
        line: "{\"messages\": [{\"role\": \"user\", \"content\": \(question)}, "
          + "{\"role\": \"assistant\", \"content\": \(halved) \\ud83d\"}]}"),
      PlantedDamage(.controlCharacter, asked(rows.sentences(2), rows.sentences(3) + "\u{7}")),
      PlantedDamage(
        .invisibleCharacter,
        asked(rows.sentences(2) + "\u{200B}" + rows.sentences(1), rows.sentences(3))),
    ]
  }

  private static func personal(_ rows: inout GoodRows) -> [PlantedDamage] {
    let samples: [(RowFindingKind, String)] = [
      (.email, "Write to ottoline.marsh@ferrymail.org about it."),
      (.phone, "Her number is +47 22 85 50 50, in the evening."),
      (.cardNumber, "Charge it to 4539 1488 0343 6467, please."),
      (.iban, "Pay to GB82 WEST 1234 5698 7654 32 by Friday."),
      (.ipAddress, "The last visitor was 81.23.190.44."),
      (.secret, "export TOKEN=ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"),
    ]
    return samples.map { kind, text in
      PlantedDamage(
        kind, asked(rows.sentences(2), rows.sentences(2) + " " + text + " " + rows.sentences(1)))
    }
  }

  private static func answers(_ rows: inout GoodRows) -> [PlantedDamage] {
    let question = rows.sentences(3)
    let looped = String(repeating: "and then it rang again ", count: 14)
    return [
      PlantedDamage(.echo, asked(question, question + "\n")),
      PlantedDamage(
        .placeholder,
        asked(rows.sentences(2), "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do.")
      ),
      PlantedDamage(
        .openFence, asked(rows.sentences(2), rows.sentences(2) + "\n```python\nx = 1\n")),
      PlantedDamage(.loopingAnswer, asked(rows.sentences(2), rows.sentences(2) + " " + looped)),
      PlantedDamage(
        .refusal,
        asked(rows.sentences(2), "As an AI language model, I sail nowhere. " + rows.sentences(2))),
    ]
  }

  // MARK: Rows like others

  /// The same row with other white space at the end of its answer.
  private static func respaced(_ row: JSON) -> JSON {
    changingAnswer(of: row) { $0.replacingSpaces() + "\n" }
  }

  /// The same row with one word of its answer exchanged.
  private static func withAnotherWord(_ row: JSON) -> JSON {
    changingAnswer(of: row) { text in
      var words = text.split(separator: " ")
      words[words.count / 2] = "zebra"
      return words.joined(separator: " ")
    }
  }

  private static func changingAnswer(of row: JSON, _ change: (String) -> String) -> JSON {
    var row = row
    guard var messages = row["messages"]?.array, let last = messages.last,
      let text = last["content"]?.string
    else { return row }
    messages[messages.count - 1].set("content", .string(change(text)))
    row.set("messages", .array(messages))
    return row
  }
}

extension String {
  /// Two spaces instead of the first one.
  fileprivate func replacingSpaces() -> String {
    guard let space = firstIndex(of: " ") else { return self }
    return self[..<space] + "  " + self[index(after: space)...]
  }
}
