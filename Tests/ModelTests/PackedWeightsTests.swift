import Formats
import Foundation
import Model
import Tensors
import TestSupport
import Testing
import Training

/// GPTQ, AWQ and INT8 checkpoints (Tests/Golden/packed, scripts/golden/packed.py).
@Suite struct PackedWeightsTests {
  static let models = ["gptq", "gptq-v2", "awq", "awq-gemv", "int8"]

  static func open(_ name: String) throws -> PretrainedFiles {
    try PretrainedFiles.open(goldenPath("packed/\(name)"))
  }

  @Test(arguments: models) func decodesAsTheReference(name: String) throws {
    let files = try Self.open(name)
    let expected = try SafetensorsFile(goldenPath("packed/\(name)/values.safetensors"))
    #expect(files.specification.linears.count == 7)
    for site in files.specification.linears {
      try expectEqual(try files.tensor(site), try expected.float32(site.name), site.name)
    }
  }

  @Test func saysHowLayersAreStored() throws {
    let stored = try Dictionary(
      uniqueKeysWithValues: Self.models.map { ($0, try Self.open($0).storedQuantization) })
    #expect(stored["gptq-v2"] == "GPTQ, 3 bits in groups of all inputs")
    #expect(stored["awq"] == "AWQ, 4 bits in groups of 16")
    #expect(stored["int8"] == "bitsandbytes INT8")
    #expect(stored["gptq"]??.contains("GPTQ, 2 bits in groups of 16; ") == true)
    let nf4 = try PretrainedFiles.open(goldenPath("weights/nf4"))
    #expect(nf4.storedQuantization == "bitsandbytes NF4")
    #expect(try PretrainedFiles.open(goldenPath("weights/bf16")).storedQuantization == nil)
  }

  /// A model in whole numbers computes what the model of their values computes, and writing it writes
  /// those.
  @Test(arguments: models) func isTheModelOfItsValues(name: String) throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("plain")
    let files = try Self.open(name)
    try HuggingFaceDirectoryWriter(source: files).write(
      to: path, groups: files.tensorGroups(as: .float32), type: .float32)
    let plain = try PretrainedFiles.open(path)
    #expect(plain.configuration.json["quantization_config"] == nil)
    #expect(plain.storedQuantization == nil)
    try expectSameTensors(plain, files)
    for type in [ComputeType.float32, .bfloat16] {
      for quantization in [nil, Quantization.nf4] {
        let storage = WeightStorage(type, quantization: quantization)
        let models = try [files, plain].map { try CausalLM.load($0, storage: storage) }
        let caches = models.map { KeyValueCache($0.specification, capacity: 8) }
        /// The same after the same tokens.
        func logits(_ ids: [Int32]) -> [[Float]] {
          zip(models, caches).map { model, cache in
            model.nextLogits(ids, adapters: nil, cache: cache).toArray(Float.self)
          }
        }
        let several = logits([3, 1, 4, 1, 5, 9])
        #expect(several[0] == several[1], "\(type) \(String(describing: quantization))")
        // A token alone meets the weight as it lies in memory, in another order of sums.
        let one = logits([2])
        expectClose(one[0], one[1], absolute: 1e-2, relative: type == .float32 ? 1e-5 : 2e-2)
      }
    }
  }

  /// Four bits of a file stay four bits, and gradients through them are those through their values.
  @Test(arguments: ["gptq", "gptq-v2", "awq", "awq-gemv"])
  func staysInFourBits(name: String) throws {
    let files = try Self.open(name)
    let storage = WeightStorage(.bfloat16)
    var kept = 0
    for site in files.specification.linears {
      let weight = try files.linear(site, storage: storage)
      guard case .grouped(let grouped) = weight else {
        #expect(files.keptBytes(site, storage) == nil, "\(site.name)")
        continue
      }
      kept += 1
      let bytes = [grouped.codes, grouped.scales, grouped.zeros].reduce(0) { $0 + $1.byteCount }
      #expect(files.keptBytes(site, storage) == bytes, "\(site.name)")
      #expect(bytes < site.count)
      let nf4 = WeightStorage(.bfloat16, quantization: .nf4)
      #expect(files.keptBytes(site, nf4) == nil)
    }
    #expect(kept == ["gptq": 5, "gptq-v2": 7, "awq": 5, "awq-gemv": 6][name])

    let directory = try TemporaryDirectory()
    try HuggingFaceDirectoryWriter(source: files).write(
      to: directory.path("plain"), groups: files.tensorGroups(as: .float32), type: .float32)
    let plain = try PretrainedFiles.open(directory.path("plain"))
    let adapter = LoRAConfiguration(
      rank: 2, alpha: 4, targetModules: ["q_proj", "up_proj"], baseModel: name)
    let targets = try AdapterTargets.resolve(
      ["q_proj", "up_proj"], among: files.specification.linears, place: "targets")
    for type in [ComputeType.float32, .bfloat16] {
      func gradients(_ files: PretrainedFiles) throws -> [[Float]] {
        let adapters = AdapterSet(fresh: adapter, targets: targets, seed: 2)
        for parameter in adapters.parameters {
          Random.fillUniform(parameter.value, -1..<1, key: RandomKey(seed: 1, .sampling))
        }
        let ids: [Int32] = [5, 3, 9, 1, 7, 2, 30, 22, 11]
        try CausalLM.load(files, storage: WeightStorage(type)).accumulateGradients(
          TokenBatch(rows: [(ids: ids, labels: ids)]), adapters: adapters,
          objective: SupervisedObjective(), gradientScale: 1, loss: Tensor.zeros([1], .float64),
          checkpointing: false, dropout: nil)
        return adapters.parameters.map { $0.gradient.toArray(Float.self) }
      }
      let (found, expected) = (try gradients(files), try gradients(plain))
      #expect(found == expected, "\(type)")
      #expect(found.contains { $0.contains { $0 != 0 } })
    }
  }

  @Test func becomesNF4WhereTheRecipeAsksForIt() throws {
    let files = try Self.open("awq")
    let site = try #require(files.specification.linears.first)
    let storage = WeightStorage(.bfloat16, quantization: .nf4, doubleQuantization: false)
    guard case .nf4(let weight) = try files.linear(site, storage: storage, valueType: .bfloat16)
    else {
      Issue.record("expected NF4")
      return
    }
    let values = try files.tensor(site, type: .bfloat16)
    let expected = Kernels.nf4Quantize(
      values, outputs: site.outputs, inputs: site.inputs, doubleQuantization: false)
    try expectEqual(weight.codes, expected.codes, site.name)
  }

  /// The first programs that made such checkpoints kept the settings beside config.json.
  @Test(arguments: [("gptq-v2", "quantize_config.json"), ("awq", "quant_config.json")])
  func readsSettingsFromAFileOfTheirOwn(name: String, file: String) throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("model")
    try FileManager.default.copyItem(atPath: goldenPath("packed/\(name)"), toPath: path)
    var config = try readJSON("\(path)/config.json")
    var settings = try #require(config["quantization_config"])
    settings.set("quant_method", nil)
    if name == "awq" {
      settings.set("bits", nil)
      settings.set("group_size", nil)
      settings.set("w_bit", 4)
      settings.set("q_group_size", 16)
    }
    config.set("quantization_config", nil)
    try writeFile("\(path)/config.json", config.text())
    #expect(throws: Problem.self) { try PretrainedFiles.open(path) }
    try writeFile("\(path)/\(file)", settings.text())
    try expectSameTensors(try PretrainedFiles.open(path), try Self.open(name))
  }

  /// Damage either shows as a problem or leaves a model that can be read without harm.
  @Test(arguments: models) func survivesDamage(name: String) throws {
    let directory = try TemporaryDirectory()
    let golden = goldenPath("packed/\(name)")
    let bytes = try readFile("\(golden)/model.safetensors")
    let config = try readFile("\(golden)/config.json")
    for seed in UInt64(0)..<120 {
      let damagesConfig = seed.isMultiple(of: 3)
      _ = try directory.write(
        "config.json", damagesConfig ? damaged(config, seed: seed, within: config.count) : config)
      _ = try directory.write(
        "model.safetensors",
        damagesConfig
          ? bytes
          : damaged(bytes, seed: seed, within: seed.isMultiple(of: 4) ? bytes.count : 4000))
      guard let files = try? PretrainedFiles.open(directory.path) else { continue }
      for linear in files.specification.linears {
        _ = try? files.tensor(linear)
        _ = try? files.linear(linear, storage: WeightStorage(.bfloat16))
      }
    }
  }
}

/// What is wrong with a checkpoint in whole numbers is told in sentences.
@Suite struct PackedWeightsFaultsTests {
  struct Entry {
    var name: String
    var dtype: String
    var shape: [Int]
    var bytes: [UInt8]
  }

  /// Copies a model after `change`, opens it and reads its layers; returns what is thrown.
  private func sentence(
    _ model: String, settings: [(String, JSON?)] = [],
    _ change: (inout [Entry]) throws -> Void = { _ in }
  ) throws -> String {
    do {
      try read(model, settings: settings, change)
      return ""
    } catch let problem as Problem {
      return problem.description
    }
  }

  private func read(
    _ model: String, settings: [(String, JSON?)] = [],
    _ change: (inout [Entry]) throws -> Void = { _ in },
    then look: (PretrainedFiles) throws -> Void = { _ in }
  ) throws {
    let directory = try TemporaryDirectory()
    var config = try readJSON(goldenPath("packed/\(model)/config.json"))
    var quantization = try #require(config["quantization_config"])
    for (key, value) in settings { quantization.set(key, value) }
    config.set("quantization_config", quantization)
    try writeFile(directory.path("config.json"), config.text())
    let file = try SafetensorsFile(goldenPath("packed/\(model)/model.safetensors"))
    var entries = file.names.compactMap { name in
      file.tensors[name].map {
        Entry(
          name: name, dtype: $0.dtype, shape: $0.shape,
          bytes: file.withBytes(of: name) { Array($0) })
      }
    }
    try change(&entries)
    let sources = entries.map { entry in
      SafetensorsWriter.Source(name: entry.name, dtype: entry.dtype, shape: entry.shape) { emit in
        try entry.bytes.withUnsafeBytes(emit)
      }
    }
    try SafetensorsWriter.write(directory.path("model.safetensors"), tensors: sources)
    let files = try PretrainedFiles.open(directory.path)
    for site in files.specification.sites {
      // The way into memory is another one.
      if site.role == .linear { _ = try files.linear(site, storage: WeightStorage(.float32)) }
      _ = try files.tensor(site)
    }
    try look(files)
  }

  /// `change` of one tensor of layer 0.
  private func changing(
    _ name: String, _ change: @escaping (inout Entry) -> Void
  ) -> (inout [Entry]) throws -> Void {
    { entries in
      let place = try #require(entries.firstIndex { $0.name == "model.layers.0.\(name)" })
      change(&entries[place])
    }
  }

  private func integers(_ values: [Int32]) -> [UInt8] {
    values.withUnsafeBytes { Array($0) }
  }

  @Test func namesMissingParts() throws {
    for (model, part) in [
      ("gptq", "qzeros"), ("gptq", "scales"), ("awq", "qzeros"), ("awq-gemv", "scales"),
    ] {
      let text = try sentence(model, changing("self_attn.q_proj.\(part)") { $0.name += "x" })
      #expect(
        text.contains("tensor \"model.layers.0.self_attn.q_proj.\(part)\" is missing"), "\(text)")
    }
    let text = try sentence("gptq", changing("self_attn.q_proj.qweight") { $0.name += "x" })
    #expect(text.contains("\"model.layers.0.self_attn.q_proj.weight\" is missing"), "\(text)")
    let scales = try sentence("int8", changing("self_attn.q_proj.SCB") { $0.name += "x" })
    #expect(scales.contains("has element type I8"), "\(scales)")
    let codes = try sentence("int8", changing("self_attn.q_proj.weight") { $0.name += "x" })
    #expect(codes.contains("has no matrix \"model.layers.0.self_attn.q_proj.weight\""), "\(codes)")
  }

  @Test(arguments: [
    ("gptq", "group_size", 8 as JSON?, "the quantization settings imply I32 [4, 12]"),
    ("gptq", "group_size", 0, "say groups of 0, expected a size or -1"),
    ("gptq", "group_size", "16", "say groups of \"16\""),
    ("gptq", "group_size", nil, "lack \"group_size\""),
    ("gptq", "bits", 5, "say 5 bits, expected 2, 3, 4 or 8"),
    ("gptq", "bits", nil, "say no bits"),
    ("gptq", "checkpoint_format", "marlin", "name the format \"marlin\""),
    ("gptq", "checkpoint_format", "bitblas", "name the format \"bitblas\""),
    ("gptq", "is_marlin_format", true, "name the format \"marlin\""),
    ("gptq", "pack_dtype", "int64", "pack codes into int64"),
    ("gptq", "dynamic", ["+:(": ["bits": 8]] as JSON, "which is not a regular expression"),
    ("gptq", "dynamic", [".*q_proj": ["bits": 7]] as JSON, "say 7 bits"),
    ("gptq", "quant_method", "awq", "the quantization settings imply I32"),
    ("gptq-v2", "bits", 8, "the quantization settings imply I32 [1, 8]"),
    ("awq", "bits", 8, "say 8 bits, supported is 4"),
    ("awq", "version", "gemv_fast", "name the version \"gemv_fast\""),
    ("awq", "version", "marlin", "supported are gemm and gemv"),
    ("awq", "backend", "llm-awq", "name the backend llm-awq"),
    ("awq", "group_size", 32, "is I32 [6, 4], the quantization settings imply I32 [3, 4]"),
    ("awq", "quant_method", "bitsandbytes", "expected \"gptq\" or \"awq\""),
  ])
  func checksSettings(model: String, key: String, value: JSON?, expected: String) throws {
    let text = try sentence(model, settings: [(key, value)])
    #expect(text.contains(expected), "\(text)")
  }

  @Test func checksShapes() throws {
    let q = "self_attn.q_proj"
    let cut = try sentence(
      "gptq", changing("\(q).qweight") { ($0.shape, $0.bytes) = ([4, 31], $0.bytes.dropLast(16)) })
    #expect(cut.contains("which codes of 4 bits cannot fill"), "\(cut)")
    let flat = try sentence("gptq", changing("\(q).qweight") { $0.shape = [128] })
    #expect(flat.contains("is [128], which codes"), "\(flat)")
    let type = try sentence("gptq", changing("\(q).scales") { $0.dtype = "I16" })
    #expect(type.contains("scales\" is I16 [2, 32], the quantization settings"), "\(type)")
    let wide = try sentence("awq", changing("\(q).qweight") { $0.shape = [16, 8] })
    #expect(wide.contains("the quantization settings imply I32 [1, 8]"), "\(wide)")
    let rows = try sentence("int8", changing("\(q).SCB") { $0.shape = [16, 2] })
    #expect(rows.contains("is F32 [16, 2], the quantization settings imply F32 [32]"), "\(rows)")
  }

  @Test(arguments: [2, -1, Int32.max, Int32.min]) func checksGroupsOfInputs(group: Int32) throws {
    let text = try sentence(
      "gptq",
      changing("self_attn.q_proj.g_idx") {
        $0.bytes = integers(Array(repeating: 0, count: 31) + [group])
      })
    #expect(text.contains("names groups that do not exist, expected 0 to 1"), "\(text)")
  }

  /// Groups that are listed in their plain order are as good as none that are listed.
  @Test func knowsThePlainOrderOfGroups() throws {
    func groups(_ places: [Int32]) throws -> PackedIntegerWeight.Groups? {
      var found: PackedIntegerWeight.Groups?
      try read(
        "gptq", changing("self_attn.q_proj.g_idx") { $0.bytes = integers(places) }
      ) { files in
        let site = try #require(files.specification.linears.first)
        let weight = try files.linear(site, storage: WeightStorage(.float32))
        if case .grouped(let grouped) = weight { found = grouped.groups }
      }
      return found
    }
    guard case .contiguous(16) = try groups((0..<32).map { $0 / 16 }) else {
      Issue.record("expected groups of 16")
      return
    }
    guard case .listed(_, 2) = try groups((0..<32).map { $0 % 2 }) else {
      Issue.record("expected listed groups")
      return
    }
  }

  @Test func checksValues() throws {
    let infinite = try sentence(
      "gptq", changing("self_attn.q_proj.scales") { $0.bytes[0...1] = [0x00, 0x7C] })
    #expect(infinite.contains("holds a value that is infinite"), "\(infinite)")
    let zero = try sentence("awq", changing("mlp.act.scales") { $0.bytes[4...5] = [0, 0] })
    #expect(zero.contains("holds a zero, which nothing can be divided by"), "\(zero)")
    let order = try sentence("int8", changing("mlp.up_proj.weight_format") { $0.bytes = [2] })
    #expect(order.contains("weight_format\" is 2, supported is 0"), "\(order)")
  }

  /// AWQ's scales of an activation belong to the layer after it; without one they are not understood.
  @Test func refusesScalesOfNoLayer() throws {
    let text = try sentence("awq", changing("mlp.act.scales") { $0.name = "model.act.scales" })
    #expect(text.contains("holds tensor \"model.act.scales\""), "\(text)")
  }

  @Test func refusesBiasesThatTheFamilyDoesNotHave() throws {
    let name = "self_attn.q_proj.bias"
    try read("gptq")
    let text = try sentence("gptq", changing(name) { $0.bytes[1] = 0x3C })
    #expect(text.contains("holds tensor \"model.layers.0.\(name)\""), "\(text)")
  }

  @Test func ignoresBuffersOfAnyType() throws {
    try read("awq") { entries in
      entries += [
        Entry(
          name: "model.layers.0.self_attn.rotary_emb.inv_freq", dtype: "F64", shape: [1],
          bytes: Array(repeating: 1, count: 8)),
        Entry(
          name: "transformer.h.0.attn.masked_bias", dtype: "I64", shape: [],
          bytes: Array(repeating: 1, count: 8)),
        Entry(
          name: "transformer.h.0.attn.bias", dtype: "BOOL", shape: [1, 1, 2, 2],
          bytes: Array(repeating: 1, count: 4)),
      ]
    }
  }

  @Test func refusesEightBitFloats() throws {
    let text = try sentence("awq") { entries in
      let place = try #require(entries.firstIndex { $0.name.hasSuffix("o_proj.weight") })
      entries[place].dtype = "F8_E4M3"
      entries[place].bytes = Array(entries[place].bytes.prefix(32 * 32))
    }
    #expect(text.contains("is in 8-bit floating point (F8_E4M3)"), "\(text)")
  }
}
