import Foundation
import Testing

/// Help, exit codes and sentences of the command line, without any model.
@Suite struct CommandLineTests {
  @Test func theVersionIsPrinted() throws {
    let result = try Binary.run(["--version"])
    #expect(result.status == 0)
    #expect(result.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
  }

  @Test(arguments: [[], ["--help"], ["help"]])
  func helpListsTheVerbs(arguments: [String]) throws {
    let result = try Binary.run(arguments)
    #expect(result.status == 0)
    #expect(result.error == "")
    for verb in [
      "pull", "train", "eval", "generate", "merge", "quantize", "export", "convert", "compare",
      "tokenize", "data", "recipe",
    ] {
      #expect(result.output.contains("\n  \(verb) "), "\(verb)")
    }
  }

  /// `make docs` writes the page; a changed option without it is a reviewed act.
  @Test(arguments: [
    "pull", "train", "eval", "generate", "merge", "quantize", "export", "convert", "compare",
    "tokenize", "data check", "data prepare", "data stats", "recipe check", "recipe schema",
    "recipe explain",
  ])
  func theDocumentationShowsTheHelp(verb: String) throws {
    let page = try String(contentsOfFile: repository + "/Docs/command-line.md", encoding: .utf8)
    let help = try Binary.run(verb.split(separator: " ").map(String.init) + ["--help"])
    #expect(help.status == 0)
    let text = help.output.trimmingCharacters(in: .newlines)
    #expect(page.contains("## finetune \(verb)\n\n```text\n\(text)\n```\n"))
  }

  @Test(arguments: [
    (["trian"], "Unexpected argument 'trian'", "Did you mean 'finetune train'?"),
    (["train"], "Missing expected argument '<recipe>'", "See 'finetune train --help'"),
    (["train", "r.json", "--resumee"], "Unknown option '--resumee'", "--resume"),
    (["eval", "--model", "m", "--data", "d", "--format", "csv"], "The value 'csv' is invalid", ""),
    (["eval", "--model", "m"], "Missing expected argument '--data", ""),
    (
      ["eval", "--model", "m", "--data", "d", "--format", "alpaca", "--threads", "0"],
      "--threads: found 0", ""
    ),
    (["generate", "--model", "m", "--prompt", "p", "--temperature=-1"], "--temperature", ""),
    (["pull", "smollm"], "smollm: no model of this name", "smollm2-135m-instruct"),
  ])
  func wrongArgumentsExitWithTwo(arguments: [String], sentence: String, also: String) throws {
    let result = try Binary.run(arguments)
    #expect(result.status == 2)
    #expect(result.output == "")
    #expect(result.error.hasPrefix("finetune: \(sentence)"), "\(result.error)")
    #expect(also.isEmpty || result.error.contains(also), "\(result.error)")
    #expect(!result.error.contains("Fatal error"))
  }

  @Test func anUnknownInstructionSetIsRefused() throws {
    let result = try Binary.run(
      ["recipe", "schema"], environment: ["FINETUNE_CPU": "avx1024"])
    #expect(result.status == 2)
    #expect(
      result.error
        == "finetune: FINETUNE_CPU: found \"avx1024\", expected one of plain, avx2, avx512, avx512_bf16, "
        + "amx, amx_emulated; or unset it\n")
  }

  @Test func anEmptyInstructionSetIsNone() throws {
    #expect(try Binary.run(["recipe", "schema"], environment: ["FINETUNE_CPU": ""]).status == 0)
  }

  @Test func aClosedPipeIsNoError() throws {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    // The reader is gone long before the first byte is written.
    let script = "{ sleep 0.5; \"$0\" recipe schema; echo status $? >&2; } | head -n 0"
    process.arguments = ["-c", script, Binary.path]
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    let error = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(String(decoding: error, as: UTF8.self) == "status 0\n")
  }
}
