import Formats
import TestSupport
import Testing
import Text

@testable import Rows

/// Two files and what is wrong in them.
struct PlantedFiles {
  /// Shows tools and calls; refuses a system prompt, as templates of some families do.
  static let template =
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system prompt') }}{% endif %}"
    + "{% if tools %}{{ '<|im_start|>tools\n' }}{{ tools | tojson }}{{ '<|im_end|>\n' }}{% endif %}"
    + "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content }}"
    + "{% for call in message.tool_calls or [] %}{{ call.function | tojson }}{% endfor %}"
    + "{{ '<|im_end|>\n' }}{% endfor %}"
    + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

  static func renderer(_ template: String = Self.template) throws -> Renderer {
    Renderer(
      tokenizer: try Tokenizer.load(goldenPath("template-rendering")),
      template: try ChatTemplate(source: template, name: "test"), trainOn: .assistant)
  }

  let directory: TemporaryDirectory
  let train, held: String
  /// By file and line.
  var damage: [String: RowFindingKind] = [:]

  init(rows count: Int, seed: UInt64) throws {
    directory = try TemporaryDirectory()
    var random = SplitMix64(seed: seed)
    var rows = GoodRows(seed: seed)
    let good = (0..<count).map { _ in rows.next() }
    // Long enough that one word more or less leaves them alike.
    let learned = good.prefix(count / 4).filter {
      $0["tools"] == nil && Words.hashes(Array($0.text().utf8)).count >= 90
    }
    train = directory.path("train.jsonl")
    held = directory.path("held.jsonl")
    let planted = PlantedDamage.training(&rows, learned: Array(learned))
    var lines: [(text: String, kind: RowFindingKind?)] = good.map { ($0.text(), nil) }
    for damage in planted {
      // Behind the rows that some of them repeat.
      let place = Int.random(in: count / 4...lines.count, using: &random)
      lines.insert((damage.line, damage.kind), at: place)
    }
    var others: [(text: String, kind: RowFindingKind?)] = (0..<100).map { _ in
      (rows.next().text(), nil)
    }
    for damage in PlantedDamage.heldOut(learned: Array(learned)) {
      others.append((damage.line, damage.kind))
    }
    for (path, lines) in [(train, lines), (held, others)] {
      for (index, line) in lines.enumerated() {
        if let kind = line.kind { damage["\(path):\(index + 1)"] = kind }
      }
      let text = lines.map { $0.text + "\n" }.joined()
      _ = try directory.write(lastPathComponent(path), text.utf8)
    }
  }

  var run: RowCheckRun {
    RowCheckRun([
      .init(RowSource(path: train, format: .sharegpt), .train),
      .init(RowSource(path: held, format: .sharegpt), .heldOut),
    ])
  }

  /// Expects every planted row to be found, and nothing else, but for what `isHidden`.
  func expect(_ report: RowCheckReport, isHidden: (RowFindingKind) -> Bool = { _ in false }) {
    let found = Dictionary(grouping: report.findings) { "\($0.place.file):\($0.place.line)" }
    for (place, kind) in damage where !isHidden(kind) {
      let kinds = found[place]?.map(\.kind) ?? []
      #expect(kinds.contains(kind), "\(place): \(kind.rawValue), found \(kinds)")
    }
    for (place, findings) in found where damage[place] == nil {
      Issue.record("\(place) is a good row: \(findings.map(\.description))")
    }
  }
}
