import Formats
import TestSupport
import Testing
import Text

@testable import Rows

/// Reminds whoever changes what becomes of rows that caches of them must be made again.
@Suite struct RowCodeTests {
  private static let rows = #"""
    {"instruction": "Where is the ferry?", "input": "At noon.", "output": "At the pier."}
    {"instruction": "q", "output": "a b c", "system": "Be brief.", "history": [["x", "y"]]}
    {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}
    {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0}, {"role": "user", "content": "r"}, {"role": "assistant", "content": "b"}]}
    {"conversations": [{"from": "human", "value": "q"}, {"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {}}"}, {"from": "observation", "value": "1"}, {"from": "gpt", "value": "a"}], "tools": [{"name": "f"}]}
    {"conversations": [{"from": "gpt", "value": ""}]}
    """#

  /// What became of the rows when the version was last raised.
  private static let known = (
    version: 1, sum: "ae1746a8270d4c8e7cf6e6fce8fb3bfb5347090acf633d28b0065799d0e5966e"
  )

  @Test func theVersionIsRaisedWithWhatBecomesOfRows() throws {
    let folder = try TemporaryDirectory()
    let path = folder.path("rows.jsonl")
    try writeFile(path, Self.rows)
    let model = goldenPath("template-rendering")
    let renderer = Renderer(
      tokenizer: try Tokenizer.load(model),
      template: try ChatTemplate.choose("chatml", modelPath: model))
    var text = ""
    for format in [RowFormat.alpaca, .sharegpt] {
      let admission = RowAdmission(renderer: renderer, maxLength: 100, overlong: .truncate)
      try RowSet.forEach([RowSource(path: path, format: format)], renderer: renderer) {
        let judged = admission.judge($0)
        text += "\(judged.admitted) \(judged.verdicts.map { "\($0.action) \($0.reason)" })\n"
      }
    }
    let sum = SHA256Digest(of: Array(text.utf8)).hex
    #expect(
      RowCode.version == Self.known.version && sum == Self.known.sum,
      "rows become something else than before: raise RowCode.version and put it here with \(sum)")
  }
}
