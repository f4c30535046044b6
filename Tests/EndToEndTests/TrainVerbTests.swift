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

  /// Waits until the run has done a step, so that there is something to lose.
  private func waitForStep(_ step: Int, of running: Binary.Running) {
    while running.isRunning, !running.errorSoFar.contains("\nstep \(step)/") { usleep(2000) }
  }

  /// A run of many steps, so that a signal comes in time.
  private let long = ["--set", "training.epochs=40"]

  @Test(arguments: [SIGINT, SIGTERM])
  func anInterruptedRunSavesAndGoesOn(signal: Int32) throws {
    let run = try TinyRun()
    let whole = try run.train(long[0], long[1], "--set", "output.directory=whole")
    #expect(whole.status == 0, "\(whole.error)")

    let running = try run.start(long[0], long[1])
    waitForStep(4, of: running)
    running.send(signal)
    let stopped = try running.finish()
    #expect(stopped.status == 130, "\(stopped.error)")
    #expect(stopped.error.contains("--resume"))
    #expect(!run.exists("out/adapter"))

    let resumed = try run.train(long[0], long[1], "--resume")
    #expect(resumed.status == 0, "\(resumed.error)")
    #expect(try run.bytes("out/\(adapterFile)") == run.bytes("whole/\(adapterFile)"))
    let losses = { (name: String) in try run.metrics(name).map { $0["loss"]?.number } }
    #expect(try losses("out") == losses("whole"))
  }

  @Test(arguments: [1, 5, 12])
  func aKilledRunGoesOnBitForBit(step: Int) throws {
    let run = try TinyRun()
    let whole = try run.train(long[0], long[1], "--set", "output.directory=whole")
    #expect(whole.status == 0, "\(whole.error)")

    let running = try run.start(long[0], long[1])
    waitForStep(step, of: running)
    running.send(SIGKILL)
    #expect(try running.finish().status == 128 + SIGKILL)

    let resumed = try run.train(long[0], long[1], "--resume")
    #expect(resumed.status == 0, "\(resumed.error)")
    #expect(try run.bytes("out/\(adapterFile)") == run.bytes("whole/\(adapterFile)"))
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

  @Test func aRowThatIsNoRowIsLocated() throws {
    let run = try TinyRun()
    _ = try run.directory.write(
      "rows.jsonl", "{\"instruction\":\"a\",\"output\":\"b\"}\n{\"instruction\":\"a\"}\n".utf8)
    let result = try run.train(
      "--set", "data.train=[{\"path\":\"rows.jsonl\",\"format\":\"alpaca\"}]", "--dry-run")
    #expect((result.error + "").contains("rows.jsonl:2") || result.error.contains("1 left out"))
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
