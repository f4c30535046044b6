import Formats
import Foundation
import Model
import Recipes
import Tensors
import TestSupport
import Testing
import Training

/// Whole runs on the tiny Llama: the promises about bits, resuming and refusing.
@Suite struct TrainerTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// A recipe whose run takes under a second; dropout and shuffling make every random stream count.
  func recipe(_ name: String, _ overrides: String...) throws -> Recipe {
    try recipe(name, overrides)
  }

  func recipe(_ name: String, _ overrides: [String]) throws -> Recipe {
    let rows = folder.path + "/rows.jsonl"
    if !fileExists(rows) {
      let lines = (0..<24).map { i in
        "{\"instruction\": \"Say \(i)\", \"output\": \"\(String(repeating: "number \(i) ", count: 1 + i % 5))\"}"
      }
      try writeFile(rows, lines.joined(separator: "\n") + "\n")
    }
    let json: JSON = [
      "model": ["path": .string(goldenPath("tiny-llama"))],
      "adapter": ["rank": 4, "dropout": 0.1],
      "data": [
        "train": [["path": .string(rows), "format": "alpaca"]], "max_length": 64,
        "validation_fraction": 0.2,
      ],
      "training": [
        "epochs": 3, "micro_batch_size": 2, "gradient_accumulation_steps": 2,
        "learning_rate": 0.01,
      ],
      "evaluation": ["every_steps": 4],
      "checkpoint": ["every_steps": 2, "keep": 2],
      "output": ["directory": .string(folder.path + "/" + name)],
    ]
    return try Recipe(json: json, source: "test", overrides: overrides)
  }

  @discardableResult
  func run(
    _ recipe: Recipe, resume: Bool = false, stopAfter: Int? = nil,
    onEvent: @escaping (TrainingEvent) -> Void = { _ in }
  ) throws -> Trainer.Outcome {
    var steps = 0
    let trainer = Trainer(
      recipe: recipe, resume: resume,
      onEvent: { event in
        if case .step = event { steps += 1 }
        onEvent(event)
      }, shouldStop: { stopAfter.map { steps >= $0 } ?? false })
    return try trainer.run()
  }

  func adapterBytes(_ recipe: Recipe) throws -> [UInt8] {
    try readFile(recipe.output.directory + "/adapter/adapter_model.safetensors")
  }

  @Test func lossFallsAndTheRunIsComplete() throws {
    let recipe = try recipe("plain", "adapter.dropout=0")
    var losses: [Double] = []
    var evaluations: [Double] = []
    try run(recipe) { event in
      if case .step(let metrics) = event { losses.append(metrics.loss) }
      if case .evaluation(let metrics) = event { evaluations.append(metrics.perplexity) }
    }
    #expect(try #require(losses.last) < 0.8 * losses[0], "\(losses)")
    #expect(try #require(evaluations.last) < evaluations[0], "\(evaluations)")
    for name in [
      "recipe.json", "run.json", "metrics.jsonl", "rows.jsonl", "adapter/adapter_config.json",
    ] { #expect(fileExists(recipe.output.directory + "/" + name), "\(name)") }
    let checkpoints = try FileManager.default.contentsOfDirectory(
      atPath: recipe.output.directory + "/checkpoints")
    #expect(checkpoints.count == 2)
  }

  @Test(arguments: [1, 3, 4, 7], ComputeType.allCases)
  func stoppedAndResumedEqualsUninterrupted(stopAfter: Int, compute: ComputeType) throws {
    let type = "model.compute_dtype=\(compute.rawValue)"
    let whole = try recipe("whole", type)
    try run(whole)
    let parts = try recipe("parts", type)
    guard case .interrupted = try run(parts, stopAfter: stopAfter) else {
      Issue.record("the run was not interrupted")
      return
    }
    try run(parts, resume: true)
    #expect(try adapterBytes(parts) == adapterBytes(whole))
    #expect(try timeless(parts) == timeless(whole))
  }

  /// A system prompt that all rows share is computed once a micro-batch: fewer tokens, the same losses,
  /// and a run that was stopped goes on bit for bit.
  @Test(arguments: ["auto", "grouped"], [true, false])
  func aSharedSystemPromptChangesNoLoss(sharing: String, packing: Bool) throws {
    let rows = folder.path("system.jsonl")
    let prompt = String(repeating: "Be brief. ", count: 6)
    let lines = (0..<20).map { i in
      "{\"system\": \"\(prompt)\", \"instruction\": \"Say \(i)\", \"output\": \"number \(i)\"}"
    }
    try writeFile(rows, lines.joined(separator: "\n") + "\n")
    func settings(_ sharing: String) -> [String] {
      [
        "data.train=[{\"path\":\"\(rows)\",\"format\":\"alpaca\"}]", "data.max_length=120",
        "model.compute_dtype=float32", "adapter.dropout=0", "training.shared_prefix=\(sharing)",
        "data.packing=\(packing)",
        // All rows in one order, so that grouping changes none of the steps.
        "data.shuffle=false", "training.micro_batch_size=3",
      ]
    }
    func numbers(_ recipe: Recipe, _ key: String) throws -> [Double] {
      try timeless(recipe).compactMap { try JSONParser.parse($0)[key]?.number }
    }
    let off = try recipe("off", settings("off"))
    let on = try recipe("on", settings(sharing))
    try run(off)
    try run(on)
    for key in ["loss", "eval_loss", "grad_norm"] {
      expectClose(
        try numbers(on, key), try numbers(off, key), absolute: 0, relative: 1e-4, key)
    }
    #expect(try numbers(off, "computed_tokens") == numbers(off, "tokens"))
    #expect(try numbers(on, "tokens") == numbers(off, "tokens"))
    for (computed, all) in zip(try numbers(on, "computed_tokens"), try numbers(on, "tokens")) {
      #expect(computed < 0.8 * all)
    }
    let parts = try recipe("parts", settings(sharing))
    try run(parts, stopAfter: 2)
    try run(parts, resume: true)
    #expect(try adapterBytes(parts) == adapterBytes(on))
  }

  /// Step and loss of every line of metrics.jsonl; times and memory differ from run to run.
  func timeless(_ recipe: Recipe) throws -> [String] {
    let text = String(
      decoding: try readFile(recipe.output.directory + "/metrics.jsonl"), as: UTF8.self)
    return try text.split(separator: "\n").map { line in
      var object = try #require(try JSONParser.parse(String(line)).object)
      for key in ["tokens_per_second", "seconds", "peak_rss_bytes"] { object[key] = nil }
      return JSON.object(object).text()
    }
  }

  @Test func damagedCheckpointFallsBackToTheOneBefore() throws {
    let whole = try recipe("whole")
    try run(whole)
    let parts = try recipe("parts")
    try run(parts, stopAfter: 5)
    let state = parts.output.directory + "/checkpoints/step-000005/state.h5"
    var bytes = try readFile(state)
    bytes[bytes.count / 2] ^= 0x40
    try writeFile(state, bytes: bytes)
    var warnings: [String] = []
    try run(parts, resume: true) { event in
      if case .warning(let sentence) = event { warnings.append(sentence) }
    }
    #expect(warnings.contains { $0.contains("step-000005") }, "\(warnings)")
    #expect(try adapterBytes(parts) == adapterBytes(whole))
  }

  /// Damaged checkpoints of later steps take no place among those that are kept.
  @Test func damagedCheckpointsPushOutNoGoodOne() throws {
    let recipe = try recipe("damaged", "checkpoint.keep=2", "checkpoint.every_steps=1")
    try run(recipe, stopAfter: 6)
    let checkpoints = recipe.output.directory + "/checkpoints"
    for name in try FileManager.default.contentsOfDirectory(atPath: checkpoints) {
      try writeFile("\(checkpoints)/\(name)/manifest.json", "{}")
    }
    // Every one is damaged: the run starts over and its first checkpoints are of earlier steps.
    try run(recipe, resume: true, stopAfter: 2)
    var first: Int?
    try run(recipe, resume: true) { event in
      if case .step(let metrics) = event, first == nil { first = metrics.step }
    }
    #expect(first == 3)
  }

  @Test(
    arguments: [1, 3, 16],
    [
      ["model.compute_dtype=float32"], ["model.compute_dtype=bfloat16"],
      ["model.quantization=nf4"],
    ])
  func threadsChangeNoBit(threads: Int, overrides: [String]) throws {
    let one = try recipe("one", overrides + ["training.threads=2"])
    try run(one)
    let other = try recipe("other", overrides + ["training.threads=\(threads)"])
    try run(other)
    #expect(try adapterBytes(other) == adapterBytes(one))
  }

  @Test(arguments: ComputeType.allCases) func checkpointingChangesNoBit(
    compute: ComputeType
  ) throws {
    let type = "model.compute_dtype=\(compute.rawValue)"
    let kept = try recipe("kept", type)
    let recomputed = try recipe("recomputed", type, "training.gradient_checkpointing=true")
    try run(kept)
    try run(recomputed)
    #expect(try adapterBytes(kept) == adapterBytes(recomputed))
  }

  /// A run that is continued on another day shows the template the day on which it began.
  @Test func aTemplateWithTheDateResumesWithTheSavedDate() throws {
    let template = folder.path + "/dated.jinja"
    try writeFile(
      template, "{{ strftime_now('%d %B %Y') }} {{ messages[0].content }} {{ messages[1].content }}"
    )
    /// Stops a run, makes its record say that it began on `day`, continues it.
    func resumed(_ name: String, day: Int?) throws -> [UInt8] {
      let recipe = try recipe(name, "data.template=\(template)")
      try run(recipe, stopAfter: 2)
      let path = recipe.output.directory + "/run.json"
      var record = try #require(try readJSON(path).object)
      if let day { record["template_date"] = .integer(day * 86_400) }
      try writeFile(path, JSON.object(record).text())
      try run(recipe, resume: true)
      if let day { #expect(try readJSON(path)["template_date"]?.integer == day * 86_400) }
      return try adapterBytes(recipe)
    }
    let today = try recipe("today", "data.template=\(template)")
    var warnings: [String] = []
    try run(today) { event in
      if case .warning(let sentence) = event { warnings.append(sentence) }
    }
    #expect(warnings.contains { $0.contains("no end-of-turn token") }, "\(warnings)")
    #expect(try resumed("same", day: nil) == adapterBytes(today))
    #expect(try resumed("early", day: 1) != adapterBytes(today))
  }

  @Test func warnsWhereTheKernelsAreOthers() throws {
    let recipe = try recipe("elsewhere")
    try run(recipe, stopAfter: 2)
    let path = recipe.output.directory + "/run.json"
    var record = try #require(try readJSON(path).object)
    #expect(record["kernels"]?.string == Kernels.cpuLevel)
    record["kernels"] = "abacus"
    try writeFile(path, JSON.object(record).text())
    func warnings(stopAfter: Int?) throws -> [String] {
      var warnings: [String] = []
      try run(recipe, resume: true, stopAfter: stopAfter) { event in
        if case .warning(let sentence) = event { warnings.append(sentence) }
      }
      return warnings.filter { $0.contains("began with kernels for abacus") }
    }
    #expect(try warnings(stopAfter: 2).count == 1)
    // The beginning is not forgotten by the first resume.
    #expect(try warnings(stopAfter: nil).count == 1)
    let resumed = try readJSON(path)
    #expect(resumed["kernels"] == "abacus")
    #expect(resumed["started"] == record["started"])
    #expect(
      resumed["resumed"]?.array?.map { $0["kernels"]?.string } == [
        Kernels.cpuLevel, Kernels.cpuLevel,
      ])
  }

  /// What a killed process left half written is gone after the next start; a directory that was being
  /// replaced comes back.
  @Test func leftoversOfAKilledProcessAreRemoved() throws {
    let recipe = try recipe("killed")
    try run(recipe, stopAfter: 3)
    let checkpoints = recipe.output.directory + "/checkpoints"
    for name in [
      checkpoints + "/.step-000009.partial", recipe.output.directory + "/.adapter.partial",
    ] {
      try createDirectory(name)
      try writeFile(name + "/adapter_model.safetensors", "half")
    }
    try writeFile(recipe.output.directory + "/.run.json.partial", "{")
    // Not the run's own: somebody else may be writing it.
    try writeFile(recipe.output.directory + "/.notes.partial", "mine")
    try FileManager.default.moveItem(
      atPath: checkpoints + "/step-000003", toPath: checkpoints + "/.step-000003.replaced")
    var first: Int?
    try run(recipe, resume: true) { event in
      if case .step(let metrics) = event, first == nil { first = metrics.step }
    }
    #expect(first == 4, "the checkpoint of step 3 is back")
    #expect(fileExists(recipe.output.directory + "/.notes.partial"))
    for place in [recipe.output.directory, checkpoints] {
      let names = try FileManager.default.contentsOfDirectory(atPath: place)
      #expect(!names.contains { $0.hasPrefix(".") && $0 != ".notes.partial" }, "\(names)")
    }
  }

  /// A power cut takes no line of metrics.jsonl that is older than a checkpoint.
  @Test func metricsReachTheDiskBeforeTheCheckpoint() throws {
    let metrics = try MetricsWriter(path: folder.path("metrics.jsonl"), keepingStepsThrough: nil)
    try metrics.write(
      EvaluationMetrics(step: 0, loss: 1, perplexity: 2.7, tokens: 3, rows: 1))
    #expect(metrics.unsynchronizedLines == 1)
    let files = try PretrainedFiles.open(goldenPath("tiny-llama"))
    let adapters = AdapterSet(
      fresh: LoRAConfiguration(rank: 2, alpha: 4, targetModules: ["q_proj"], baseModel: "b"),
      targets: [files.specification.linears[0]], seed: 1)
    try createDirectory(folder.path("checkpoints"))
    _ = try CheckpointStore(directory: folder.path("checkpoints"), keep: 1).save(
      adapters: adapters,
      optimizer: AdamW(
        parameters: adapters.parameters,
        settings: .init(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0)),
      metrics: metrics, baseFingerprint: "f", template: "t")
    #expect(metrics.unsynchronizedLines == 0)
  }

  @Test func refusesToOverwriteARun() throws {
    let recipe = try recipe("twice")
    try run(recipe, stopAfter: 1)
    let problem = #expect(throws: Problem.self) { try run(recipe) }
    #expect(problem?.description.contains("--resume") == true)
    #expect(problem?.kind == .input)
    try run(recipe, resume: true)
    let bytes = try adapterBytes(recipe)
    #expect(throws: Problem.self) { try run(recipe) }
    try run(recipe, resume: true)
    #expect(try adapterBytes(recipe) == bytes)
  }

  @Test func refusesToResumeSomethingElse() throws {
    let recipe = try recipe("changed")
    try run(recipe, stopAfter: 2)
    let problem = #expect(throws: Problem.self) {
      try run(try self.recipe("changed", "training.learning_rate=0.5"), resume: true)
    }
    #expect(problem?.description.contains("training.learning_rate") == true)
    let rows = folder.path + "/rows.jsonl"
    try writeFile(rows, bytes: try readFile(rows) + [0x0A])
    let changed = #expect(throws: Problem.self) { try run(recipe, resume: true) }
    #expect(changed?.description.contains("rows.jsonl") == true)
  }

  /// A file of the user's in the output directory is not a run's to overwrite.
  @Test func refusesADirectoryThatHoldsAFileOfItsNames() throws {
    let recipe = try recipe("mine")
    try createDirectory(recipe.output.directory)
    try writeFile(recipe.output.directory + "/rows.jsonl", "my rows")
    #expect(throws: Problem.self) { try run(recipe) }
    #expect(try readFile(recipe.output.directory + "/rows.jsonl") == Array("my rows".utf8))
  }

  /// A start that fails before the run began does not stand in the way of the corrected one.
  @Test func aFailedStartLeavesNoRun() throws {
    #expect(throws: Problem.self) {
      try run(try recipe("typo", "model.path=\(folder.path)/nothing"))
    }
    try run(try recipe("typo"))
  }

  @Test func refusesToResumeWithAnotherTokenizer() throws {
    let model = folder.path("model")
    try FileManager.default.copyItem(atPath: goldenPath("tiny-llama"), toPath: model)
    let recipe = try recipe("tokens", "model.path=\(model)")
    try run(recipe, stopAfter: 2)
    let path = model + "/tokenizer_config.json"
    try writeFile(path, bytes: try readFile(path) + [0x0A])
    let problem = #expect(throws: Problem.self) { try run(recipe, resume: true) }
    #expect(problem?.description.contains("the tokenizer is not the one") == true)
  }

  /// Also where no checkpoint was written yet, a resumed run is the same run.
  @Test func refusesToResumeSomethingElseWithoutACheckpoint() throws {
    let recipe = try recipe("early")
    try run(recipe, stopAfter: 1)
    try FileManager.default.removeItem(atPath: recipe.output.directory + "/checkpoints")
    let problem = #expect(throws: Problem.self) {
      try run(try self.recipe("early", "adapter.rank=9"), resume: true)
    }
    #expect(problem?.description.contains("adapter.rank") == true)
    var notes: [String] = []
    try run(recipe, resume: true) { if case .note(let note) = $0 { notes.append(note) } }
    #expect(notes.contains { $0.contains("the run starts over") }, "\(notes)")
  }

  /// A dry run finds what a start would find.
  @Test func aDryRunLooksAtTheOutputAndTheStartingAdapter() throws {
    let first = try recipe("dry")
    try run(first)
    func plan(_ recipe: Recipe) throws {
      _ = try Trainer(recipe: recipe, resume: false, onEvent: { _ in }).plan()
    }
    let finished = #expect(throws: Problem.self) { try plan(first) }
    #expect(finished?.description.contains("finished run") == true)
    let start = "adapter.init_from=\(first.output.directory)/adapter"
    try plan(try recipe("dry2", start))
    let other = #expect(throws: Problem.self) {
      try plan(try recipe("dry2", start, "adapter.rank=2"))
    }
    #expect(other?.description.contains("adapter.rank") == true)
  }

  /// An update that overflows: loss and gradient are numbers, the adapter is not.
  @Test func stopsWhereTheAdapterIsNoNumber() throws {
    let recipe = try recipe(
      "overflow", "training.learning_rate=1", "training.adam_beta2=0", "training.adam_beta1=0.9",
      "adapter.alpha=12", "training.weight_decay=0", "training.warmup_ratio=0",
      "adapter.init_from=\(try adapter(withB: 3.4e38))")
    let problem = #expect(throws: Problem.self) { try run(recipe) }
    #expect(problem?.kind == .run)
    #expect(!directoryExists(recipe.output.directory + "/adapter"))
  }

  @Test func trainingOnStartsFromAnAdapter() throws {
    let first = try recipe("first", "adapter.dropout=0")
    try run(first)
    let second = try recipe(
      "second", "adapter.dropout=0", "adapter.init_from=\(first.output.directory)/adapter")
    var before: Double?
    try run(second) { event in
      if case .evaluation(let metrics) = event, before == nil { before = metrics.loss }
    }
    let last = try #require(try timeless(first).last { $0.contains("eval_loss") })
    #expect(try JSONParser.parse(last)["eval_loss"]?.number == before)
    let mismatch = #expect(throws: Problem.self) {
      try run(
        try recipe(
          "third", "adapter.rank=8", "adapter.init_from=\(first.output.directory)/adapter"))
    }
    #expect(mismatch?.description.contains("adapter.rank") == true)
  }

  /// A copy of the golden adapter with every weight of B replaced.
  func adapter(withB value: Float) throws -> String {
    let files = try PretrainedFiles.open(goldenPath("tiny-llama"))
    let adapters = try PEFTDirectory.load(
      goldenPath("tiny-llama") + "/adapter", linears: files.specification.linears,
      baseFingerprint: files.fingerprint
    ).adapters
    for module in adapters.modules {
      let b = module.adapter.parameters[1].value
      b.copy(from: [Float](repeating: value, count: b.count))
    }
    let path = folder.path("adapter-\(value)")
    try AtomicDirectory.write(path) {
      try PEFTDirectory.write(adapters, baseFingerprint: files.fingerprint, to: $0)
    }
    return path
  }

  @Test func stopsWhereTheLossIsNoNumber() throws {
    let recipe = try recipe(
      "diverges", "adapter.alpha=12", "adapter.init_from=\(try adapter(withB: 3e38))")
    let problem = #expect(throws: Problem.self) { try run(recipe) }
    #expect(problem?.kind == .run)
    #expect(problem?.description.contains("not a finite number") == true)
    #expect(!directoryExists(recipe.output.directory + "/adapter"))
  }

  @Test func refusesAnAdapterThatHoldsNaN() throws {
    let recipe = try recipe(
      "poisoned", "adapter.alpha=12", "adapter.init_from=\(try adapter(withB: .nan))")
    let problem = #expect(throws: Problem.self) { try run(recipe) }
    #expect(problem?.kind == .input)
    #expect(problem?.description.contains("not a number") == true, "\(problem?.description ?? "")")
  }
}
