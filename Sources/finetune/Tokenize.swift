import ArgumentParser
import Formats
import Foundation
import Text

/// `finetune tokenize`: the token ids of a text.
struct Tokenize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the token ids of a text.",
    discussion: """
      Special tokens in the text are recognized; none are added, unless
      --special-tokens asks for them. Without TEXT and --file, the text is standard
      input to its last byte. With --lines, each line of the input is one text,
      written as a JSON string, and gets a line of ids.

        finetune tokenize --model base "Where is the ferry?"
        finetune tokenize --model vocabulary.gguf --file page.txt --json
      """)

  @Option(
    help:
      "Hugging Face directory, GGUF file or OWNER/NAME of the hub; a GGUF file with only a vocabulary is enough."
  )
  var model: String

  @Option(help: "File whose text is tokenized, to its last byte.")
  var file: String?

  @Flag(help: "Print one JSON object instead of ids separated by spaces.")
  var json = false

  @Flag(help: "Add the tokens that the model wants before and behind a text.")
  var specialTokens = false

  @Flag(help: "Read many texts, one JSON string a line.")
  var lines = false

  @Argument(help: "The text.")
  var text: String?

  func run() throws {
    let tokenizer = try Tokenizer.load(try ModelReference.path(model))
    let text = try input()
    let texts = lines ? try Self.texts(text) : [text]
    for text in texts {
      let ids = tokenizer.encode(text, addsSpecialTokens: specialTokens)
      Terminal.output.write(line(ids) + "\n")
    }
  }

  private func line(_ ids: [Int32]) -> String {
    if !json { return ids.map(String.init).joined(separator: " ") }
    let list = JSON.array(ids.map { .integer(Int($0)) })
    return JSON.object(JSONObject([("ids", list)])).text()
  }

  private static func texts(_ input: String) throws(Problem) -> [String] {
    var texts: [String] = []
    for (index, line) in input.utf8.split(separator: UInt8(ascii: "\n")).enumerated() {
      guard let text = (try? JSONParser.parse(Array(line)))?.string else {
        throw Problem("input:\(index + 1)", "the line is no JSON string, expected \"…\"")
      }
      texts.append(text)
    }
    return texts
  }

  private func input() throws -> String {
    if let text, file != nil {
      throw Problem(
        "tokenize",
        "found both a text (\"\(text)\") and --file, expected one of them; leave one out")
    }
    if let text { return text }
    if let file { return try decode(try readFile(file), place: file) }
    let bytes = try FileHandle.standardInput.readToEnd() ?? Data()
    return try decode(Array(bytes), place: "standard input")
  }

  private func decode(_ bytes: [UInt8], place: String) throws(Problem) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    throw Problem(place, "the text is not UTF-8; convert it first")
  }
}
