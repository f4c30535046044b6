import Formats
import Foundation
import TestSupport
import Testing

/// `finetune train` on the tiny Llama, from the command line to the files of the run.
@Suite struct TrainVerbTests {
  @Test func aRunLeavesWhatItPromises() throws {
    let run = try TinyRun()
    let result = try run.train()
    #expect(result.status == 0, "\(result.error)")
    #expect(result.output == "")
    for name in [
      "recipe.json", "run.json", "metrics.jsonl", "rows.jsonl", "adapter/adapter_config.json",
      adapterFile,
    ] {
      #expect(run.exists("out/\(name)"), "\(name)")
    }
    let metrics = try run.metrics()
    let steps = metrics.filter { $0["loss"] != nil }
    let evaluations = metrics.filter { $0["eval_loss"] != nil }
    #expect(steps.map { $0["step"]?.integer } == Array(1...steps.count))
    let losses = steps.compactMap { $0["loss"]?.number }
    let (early, late) = (losses.prefix(4).reduce(0, +), losses.suffix(4).reduce(0, +))
    #expect(late < 0.8 * early)
    let held = evaluations.compactMap { $0["perplexity"]?.number }
    #expect(evaluations.first?["step"]?.integer == 0)
    #expect(evaluations.last?["step"]?.integer == steps.count)
    let (before, after) = (try #require(held.first), try #require(held.last))
    #expect(after < 0.8 * before)
  }

  @Test func aLogFileGetsPlainLines() throws {
    let run = try TinyRun()
    let result = try run.train("--set", "training.max_steps=3")
    #expect(!result.error.contains("\u{1B}"))
    #expect(!result.error.contains("\r"))
    for step in 1...3 { #expect(result.error.contains("\nstep \(step)/3  loss ")) }
    #expect(result.error.contains("adapter   out/adapter") || result.error.contains("out/adapter"))
    #expect(result.error.contains("finetune merge --model"))
  }

  @Test func aRunIsNeverOverwritten() throws {
    let run = try TinyRun()
    #expect(try run.train("--set", "training.max_steps=2").status == 0)
    let adapter = try run.bytes("out/\(adapterFile)")
    let again = try run.train("--set", "training.max_steps=2")
    #expect(again.status == 2)
    #expect(again.error.contains("--resume"))
    let resumed = try run.train("--set", "training.max_steps=2", "--resume")
    #expect(resumed.status == 0, "\(resumed.error)")
    #expect(try run.bytes("out/\(adapterFile)") == adapter)
  }

  @Test func aDryRunWritesNothing() throws {
    let run = try TinyRun()
    let result = try run.train("--dry-run")
    #expect(result.status == 0, "\(result.error)")
    #expect(result.error.contains("12 to learn from, 3 held out"))
    #expect(!run.exists("out"))
  }

  @Test func threadsDoNotChangeTheResult() throws {
    let run = try TinyRun()
    for threads in ["1", "2"] {
      let result = try run.train(
        "--set", "training.threads=\(threads)", "--set", "output.directory=out\(threads)")
      #expect(result.status == 0, "\(result.error)")
    }
    #expect(try run.bytes("out1/\(adapterFile)") == run.bytes("out2/\(adapterFile)"))
  }

  // MARK: Stopping

  /// Waits until the run has done so many steps, so that there is something to lose.
  private func waitForStep(_ step: Int, of running: Binary.Running) {
    while running.isRunning {
      let steps = running.errorSoFar.matches(of: /\nstep (\d+)\//).compactMap { Int($0.output.1) }
      if (steps.last ?? 0) >= step { return }
      usleep(1000)
    }
  }

  /// Enough steps for a signal to come in between.
  private let long = ["--set", "training.epochs=60", "--set", "checkpoint.every_steps=7"]

  /// Starts a long run and stops it with a signal after some steps. A run that was over before the
  /// signal came is started again.
  private func stop(
    _ run: TinyRun, with signal: Int32, after step: Int
  ) throws -> Binary.Result {
    for _ in 0..<20 {
      let running = try Binary.start(["train", "r.json"] + long, in: run.directory.path)
      waitForStep(step, of: running)
      running.send(signal)
      let result = try running.finish()
      if result.status != 0 { return result }
      try FileManager.default.removeItem(atPath: run.directory.path("out"))
    }
    throw CancellationError()
  }

  /// Trains the same recipe without a break, and on from where it was stopped; both must end alike.
  private func expectSameResult(_ run: TinyRun) throws {
    let command = ["train", "r.json"] + long
    for rest in [["--resume"], ["--set", "output.directory=whole"]] {
      let result = try Binary.run(command + rest, in: run.directory.path)
      #expect(result.status == 0, "\(result.error)")
    }
    #expect(try run.bytes("out/\(adapterFile)") == run.bytes("whole/\(adapterFile)"))
    let losses = { (name: String) in
      try run.metrics(name).map {
        [$0["step"]?.number, $0["loss"]?.number, $0["eval_loss"]?.number]
      }
    }
    #expect(try losses("out") == losses("whole"))
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func anInterruptedRunSavesAndGoesOn(signal: Int32) throws {
    let run = try TinyRun()
    let stopped = try stop(run, with: signal, after: 4)
    #expect(stopped.status == 130, "\(stopped.error)")
    #expect(stopped.error.contains("--resume"))
    #expect(!run.exists("out/adapter"))
    try expectSameResult(run)
  }

  @Test(arguments: [1, 9, 30])
  func aKilledRunGoesOnBitForBit(step: Int) throws {
    let run = try TinyRun()
    #expect(try stop(run, with: SIGKILL, after: step).status == 128 + SIGKILL)
    try expectSameResult(run)
  }

  // MARK: What cannot be trained

  @Test(arguments: [
    ("model.path=nowhere", "nowhere"),
    (
      "data.train=[{\"path\":\"nowhere.json\",\"format\":\"alpaca\"}]",
      "nowhere.json: there is no such file"
    ),
    ("adapter.target_modules=[\"qq_proj\"]", "qq_proj"),
    ("data.max_length=2", "0"),
  ])
  func wrongInputExitsWithTwo(setting: String, sentence: String) throws {
    let run = try TinyRun()
    let result = try run.train("--set", setting)
    #expect(result.status == 2, "\(result.error)")
    #expect(result.error.contains("finetune: "))
    #expect(result.error.contains(sentence), "\(result.error)")
    #expect(!result.error.contains("Fatal error"))
    #expect(!run.exists("out/adapter"))
  }

  @Test func aRowThatIsNoRowIsReportedWithItsPlace() throws {
    let run = try TinyRun()
    let row = #"{"instruction": "Say oar", "output": "Aye, oar oar. Over."}"#
    let broken = #"{"instruction": "Say oar"}"#
    _ = try run.directory.write("rows.jsonl", "\(row)\n\(broken)\n\(row)\n".utf8)
    let result = try run.train(
      "--set", "data.train=[{\"path\":\"rows.jsonl\",\"format\":\"alpaca\"}]")
    #expect(result.status == 0, "\(result.error)")
    #expect(result.error.contains("2 to learn from, 3 held out, 1 left out"))
    let report = String(decoding: try run.bytes("out/rows.jsonl"), as: UTF8.self)
    let lines = report.split(separator: "\n")
    #expect(lines.count == 1)
    let verdict = try JSONParser.parse(String(lines[0]))
    #expect(verdict["file"]?.string == "rows.jsonl")
    #expect(verdict["line"]?.integer == 2)
    #expect(verdict["reason"]?.string?.isEmpty == false)
  }

  @Test func aCutModelFileIsNamed() throws {
    let run = try TinyRun()
    let copy = run.directory.path("model")
    try FileManager.default.copyItem(atPath: TinyRun.model, toPath: copy)
    let weights = try run.bytes("model/model.safetensors")
    try Data(weights.prefix(weights.count / 2)).write(
      to: URL(filePath: copy + "/model.safetensors"))
    let result = try run.train("--set", "model.path=model")
    #expect(result.status == 2)
    #expect(result.error.contains("model/model.safetensors"))
    #expect(!result.error.contains("Fatal error"))
  }
}
