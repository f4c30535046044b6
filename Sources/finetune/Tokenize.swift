import ArgumentParser
import Formats
import Foundation
import Text

/// `finetune tokenize`: the token ids of a text.
struct Tokenize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the token ids of a text.",
    discussion: """
      Special tokens in the text are recognized; none are added. Without TEXT and
      --file, the text is standard input to its last byte.

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

  @Argument(help: "The text.")
  var text: String?

  func run() throws {
    let tokenizer = try Tokenizer.load(try ModelReference.path(model))
    let ids = tokenizer.encode(try input())
    let result: String
    if json {
      let list = JSON.array(ids.map { .integer(Int($0)) })
      result = JSON.object(JSONObject([("ids", list)])).text()
    } else {
      result = ids.map(String.init).joined(separator: " ")
    }
    Terminal.output.write(result + "\n")
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
