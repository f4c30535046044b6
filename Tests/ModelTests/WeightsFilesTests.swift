import Formats
import Foundation
import Model
import Tensors
import TestSupport
import Testing

@Suite struct WeightsFilesTests {
  static func open(_ name: String) throws -> PretrainedFiles {
    try PretrainedFiles.open(goldenPath("weights/\(name)"))
  }

  /// A copy of a golden directory that a test may damage.
  static func copy(_ name: String, to directory: TemporaryDirectory) throws -> String {
    let path = directory.path("model")
    try FileManager.default.copyItem(atPath: goldenPath("weights/\(name)"), toPath: path)
    return path
  }

  @Test func readsBfloat16() throws {
    let files = try Self.open("bf16")
    let file = try SafetensorsFile(goldenPath("weights/bf16/model.safetensors"))
    #expect(files.specification.sites.count == 21)
    for site in files.specification.sites {
      let values = try files.tensor(site).toArray(Float.self)
      let stored = file.withBytes(of: site.name) { Array($0.bindMemory(to: UInt16.self)) }
      let equal = values.map(\.bitPattern) == stored.map { UInt32($0) << 16 }
      #expect(equal, "\(site.name)")
    }
  }

  @Test func shardsEqualOneFileWhateverTheIndexSays() throws {
    try expectSameTensors(Self.open("shards"), Self.open("bf16"))
  }

  @Test func readsShardsWithoutAnIndex() throws {
    let directory = try TemporaryDirectory()
    let path = try Self.copy("shards", to: directory)
    try FileManager.default.removeItem(atPath: "\(path)/model.safetensors.index.json")
    try expectSameTensors(PretrainedFiles.open(path), Self.open("bf16"))
  }

  @Test func dequantizesAsBitsandbytes() throws {
    let files = try Self.open("nf4-double")
    #expect(files.isQuantized)
    let expected = try SafetensorsFile(goldenPath("weights/nf4-double-values.safetensors"))
    for site in files.specification.linears {
      try expectEqual(try files.tensor(site), try expected.float32(site.name), site.name)
    }
  }

  @Test(arguments: [("nf4", false), ("nf4-double", true)])
  func quantizesAsBitsandbytes(name: String, doubleQuantization: Bool) throws {
    let ours = try Self.open("bf16")
    let stored = try Self.open(name)
    let storage = WeightStorage(
      .bfloat16, quantization: .nf4, doubleQuantization: doubleQuantization)
    for linear in ours.specification.linears {
      func weight(_ files: PretrainedFiles) throws -> NF4Weight {
        let weight = try files.linear(linear, storage: storage)
        guard case .nf4(let nf4) = weight else { throw NotQuantized() }
        return nf4
      }
      let (a, b) = (try weight(ours), try weight(stored))
      #expect(a.valueType == b.valueType)
      try expectEqual(a.codes, b.codes, linear.name)
      switch (a.absmax, b.absmax) {
      case (.plain(let x), .plain(let y)): try expectEqual(x, y, linear.name)
      case (.nested(let c, let m, let q, let o), .nested(let c2, let m2, let q2, let o2)):
        try expectEqual(c, c2, linear.name)
        try expectEqual(m, m2, linear.name)
        try expectEqual(q, q2, linear.name)
        #expect(o == o2)
      default: Issue.record("\(linear.name): other kinds of scales")
      }
    }
  }

  private struct NotQuantized: Error {}

  @Test func roundsToTheValueTypeBeforeQuantizing() throws {
    let gguf = try Self.open("tiny.gguf")
    let linear = try #require(gguf.specification.linears.first)
    let weight = try gguf.linear(
      linear,
      storage: WeightStorage(.bfloat16, quantization: .nf4, doubleQuantization: false),
      valueType: .bfloat16)
    guard case .nf4(let nf4) = weight, case .plain(let absmax) = nf4.absmax else {
      throw NotQuantized()
    }
    #expect(nf4.valueType == .bfloat16)
    let low = absmax.toArray(Float.self).map { $0.bitPattern & 0xFFFF }
    #expect(low.allSatisfy { $0 == 0 }, "the largest value of a block is a bfloat16")
  }

  @Test func readsGGUFInTheOrderOfHuggingFace() throws {
    let files = try Self.open("tiny.gguf")
    let expected = try SafetensorsFile(goldenPath("weights/tiny-gguf.safetensors"))
    #expect(expected.names.count == 12)
    for site in files.specification.sites where expected.tensors[site.name] != nil {
      try expectEqual(try files.tensor(site), try expected.float32(site.name), site.name)
    }
    #expect(Set(expected.names).isSubset(of: files.specification.sites.map(\.name)))
  }

  @Test func opensADirectoryWithOneGGUFFile() throws {
    let directory = try TemporaryDirectory()
    let golden = goldenPath("weights/tiny.gguf")
    try FileManager.default.copyItem(atPath: golden, toPath: directory.path("m.gguf"))
    let files = try PretrainedFiles.open(directory.path)
    #expect(files.tokenizerPath == directory.path("m.gguf"))
    #expect(files.fingerprint == (try PretrainedFiles.open(golden).fingerprint))
    try FileManager.default.copyItem(atPath: golden, toPath: directory.path("n.gguf"))
    let problem = #expect(throws: Problem.self) { try PretrainedFiles.open(directory.path) }
    #expect(problem?.description.contains("there are 2 .gguf files") == true)
  }

  @Test func fingerprintFollowsTheWeights() throws {
    let directory = try TemporaryDirectory()
    let path = try Self.copy("bf16", to: directory)
    let original = try PretrainedFiles.open(path).fingerprint
    #expect(original == (try Self.open("bf16").fingerprint), "the place does not matter")
    #expect(original.count == 64)
    var bytes = try readFile("\(path)/model.safetensors")
    bytes[bytes.count - 2] ^= 1
    try writeFile("\(path)/model.safetensors", bytes: bytes)
    #expect(try PretrainedFiles.open(path).fingerprint != original)
  }
}

/// The bytes of two tensors are equal; says only where they first differ.
func expectEqual(
  _ found: Tensor, _ expected: Tensor, _ name: String,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  #expect(found.shape.reduce(1, *) == expected.count, "\(name)", sourceLocation: sourceLocation)
  let bytes = (found.withBytes { Array($0) }, expected.withBytes { Array($0) })
  let place = zip(bytes.0, bytes.1).enumerated().first { $0.element.0 != $0.element.1 }?.offset
  #expect(place == nil, "\(name): first other byte", sourceLocation: sourceLocation)
}

/// Two models hold the same values.
func expectSameTensors(_ found: PretrainedFiles, _ expected: PretrainedFiles) throws {
  for site in expected.specification.sites {
    try expectEqual(try found.tensor(site), try expected.tensor(site), site.name)
  }
}

@Suite struct WeightsFaultsTests {
  /// Opens the tiny model after `change` edited its header; returns what is thrown.
  private func sentence(
    model: String = "bf16", _ change: (inout [Entry]) throws -> Void
  ) throws -> String {
    let directory = try TemporaryDirectory()
    let path = try WeightsFilesTests.copy(model, to: directory)
    let file = try SafetensorsFile("\(path)/model.safetensors")
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
    try SafetensorsWriter.write("\(path)/model.safetensors", tensors: sources)
    let problem = #expect(throws: Problem.self) {
      let files = try PretrainedFiles.open(path)
      for site in files.specification.sites { _ = try files.tensor(site) }
    }
    return problem?.description ?? ""
  }

  private struct Entry {
    var name: String
    var dtype: String
    var shape: [Int]
    var bytes: [UInt8]
  }

  @Test func namesMissingTensors() throws {
    let text = try sentence { $0.removeAll { $0.name.contains("layers.1.") } }
    #expect(text.contains("9 problems"))
    #expect(text.contains("tensor \"model.layers.1.input_layernorm.weight\" is missing"))
    #expect(text.contains("… and 1 more"))
  }

  @Test func namesWrongShapes() throws {
    let text = try sentence { entries in
      for i in entries.indices where entries[i].name == "model.layers.0.mlp.up_proj.weight" {
        entries[i].shape = [64, 100]
      }
    }
    #expect(
      text.contains(
        "tensor \"model.layers.0.mlp.up_proj.weight\" is [64, 100], the configuration implies [100, 64]"
      ))
  }

  @Test func namesUnexpectedTensors() throws {
    let text = try sentence {
      $0.append(
        Entry(
          name: "model.layers.0.self_attn.q_proj.bias", dtype: "BF16", shape: [1], bytes: [0, 0]))
    }
    #expect(text.contains("holds tensor \"model.layers.0.self_attn.q_proj.bias\", which"))
  }

  @Test func ignoresRotaryFrequenciesOfOldFiles() throws {
    let directory = try TemporaryDirectory()
    let path = try WeightsFilesTests.copy("bf16", to: directory)
    let name = "model.layers.0.self_attn.rotary_emb.inv_freq"
    let extra = SafetensorsWriter.Source(name: name, dtype: "U8", shape: [0]) { _ in }
    try SafetensorsWriter.write("\(path)/model-extra.safetensors", tensors: [extra])
    try FileManager.default.moveItem(
      atPath: "\(path)/model.safetensors", toPath: "\(path)/model-1.safetensors")
    _ = try PretrainedFiles.open(path)
  }

  @Test func namesTypesThatCannotBeRead() throws {
    let text = try sentence { entries in
      for i in entries.indices where entries[i].name == "model.norm.weight" {
        entries[i].dtype = "I16"
      }
    }
    #expect(text.contains("tensor \"model.norm.weight\" has element type I16"))
  }

  @Test func findsValuesThatAreNoNumbers() throws {
    let text = try sentence { entries in
      for i in entries.indices where entries[i].name == "model.norm.weight" {
        entries[i].bytes[10...11] = [0x80, 0x7F]
      }
    }
    #expect(
      text.contains(
        "model.safetensors: tensor \"model.norm.weight\" holds a value that is infinite"))
  }

  @Test(arguments: [
    (#""quant_type": "nf4""#, #""quant_type": "fp8""#, "is \"fp8\" in blocks of 64"),
    (#""blocksize": 64"#, #""blocksize": 32"#, "in blocks of 32"),
    (#""dtype": "bfloat16""#, #""dtype": "bfloat99""#, "has dtype \"bfloat99\""),
    (#""shape": [64, 64]"#, #""shape": [64, 99]"#, "expected 3168 of U8"),
    (#""shape": [64, 64]"#, #""shape": [-2, 64]"#, "expected two sizes"),
    (#""nested_blocksize": 256"#, #""nested_blocksize": 512"#, "double quantization"),
    (#""shape": [64, 64]"#, #""shape": [9223372036854775807, 1]"#, "expected two sizes"),
    ("{", "[", "is not valid JSON"),
  ])
  func checksQuantizationStates(old: String, new: String, expected: String) throws {
    let state = "model.layers.0.self_attn.q_proj.weight.quant_state.bitsandbytes__nf4"
    let text = try sentence(model: "nf4-double") { entries in
      for i in entries.indices where entries[i].name == state {
        let json = String(decoding: entries[i].bytes, as: UTF8.self)
        #expect(json.contains(old), "\(json)")
        entries[i].bytes = Array(json.replacing(old, with: new).utf8)
        entries[i].shape = [entries[i].bytes.count]
      }
    }
    #expect(text.contains(expected), "\(text)")
  }

  @Test func checksQuantizedParts() throws {
    let weight = "model.layers.0.self_attn.q_proj.weight"
    func change(_ part: String, _ edit: @escaping (inout Entry) -> Void) throws -> String {
      try sentence(model: "nf4-double") { entries in
        for i in entries.indices where entries[i].name == weight + part { edit(&entries[i]) }
      }
    }
    #expect(
      try change("") {
        $0.bytes.removeLast(); $0.shape = [2047, 1]
      }.contains("expected 2048 of U8"))
    #expect(try change(".absmax") { $0.name += "x" }.contains("\"\(weight).absmax\" is missing"))
    #expect(try change(".quant_map") { $0.bytes[20] ^= 1 }.contains("other code values than NF4"))
    #expect(
      try change(".nested_absmax") { $0.bytes[0...3] = [0, 0, 0x80, 0x7F] }.contains("infinite"))
    #expect(
      try change(".quant_state.bitsandbytes__nf4") {
        $0.name = $0.name.replacing("nf4", with: "fp4")
      }
      .contains("is quantized to fp4"))
  }

  /// `bnb_4bit_quant_storage` makes the codes look like another type of the same bytes.
  @Test func readsCodesStoredAsAnotherType() throws {
    let directory = try TemporaryDirectory()
    let path = try WeightsFilesTests.copy("nf4", to: directory)
    let file = try SafetensorsFile("\(path)/model.safetensors")
    let sources = file.names.compactMap { name -> SafetensorsWriter.Source? in
      guard let entry = file.tensors[name] else { return nil }
      let isCodes = file.tensors["\(name).absmax"] != nil
      return SafetensorsWriter.Source(
        name: name, dtype: isCodes ? "BF16" : entry.dtype,
        shape: isCodes ? [entry.range.count / 2, 1] : entry.shape
      ) { emit in try file.withBytes(of: name) { try emit($0) } }
    }
    try SafetensorsWriter.write("\(path)/copy.safetensors", tensors: sources)
    try FileManager.default.removeItem(atPath: "\(path)/model.safetensors")
    try FileManager.default.moveItem(
      atPath: "\(path)/copy.safetensors", toPath: "\(path)/model.safetensors")
    try expectSameTensors(try PretrainedFiles.open(path), try WeightsFilesTests.open("nf4"))
  }

  @Test(arguments: [
    ("general.architecture", "mamba", "the architecture is \"mamba\""),
    ("general.architecture", "llamx", "the architecture is \"llamx\""),
  ])
  func namesOtherArchitectures(key: String, value: String, expected: String) throws {
    var bytes = try readFile(goldenPath("weights/tiny.gguf"))
    let place = try #require(bytes.firstRange(of: Array(key.utf8)))
    // The key is followed by the type (4 bytes) and length (8 bytes) of its value, "llama".
    bytes.replaceSubrange(place.upperBound + 12..<place.upperBound + 17, with: value.utf8)
    let directory = try TemporaryDirectory()
    let path = try directory.write("m.gguf", bytes)
    let problem = #expect(throws: Problem.self) { try PretrainedFiles.open(path) }
    #expect(problem?.description.contains(expected) == true, "\(problem?.description ?? "")")
  }

  @Test func namesMissingKeysOfGGUF() throws {
    var bytes = try readFile(goldenPath("weights/tiny.gguf"))
    for key in ["llama.block_count", "llama.embedding_length"] {
      let place = try #require(bytes.firstRange(of: Array(key.utf8)))
      bytes[place.lowerBound] = UInt8(ascii: "x")
    }
    let directory = try TemporaryDirectory()
    let path = try directory.write("m.gguf", bytes)
    let problem = #expect(throws: Problem.self) { try PretrainedFiles.open(path) }
    #expect(problem?.sentences.first == "\(path): 2 problems")
    #expect(problem?.description.contains("the key \"llama.block_count\" is missing") == true)
  }

  @Test func refusesOtherPlaces() throws {
    let directory = try TemporaryDirectory()
    func sentence(_ path: String) -> String {
      #expect(throws: Problem.self) { try PretrainedFiles.open(path) }?.description ?? ""
    }
    #expect(sentence(directory.path("none")).contains("there is no such file"))
    #expect(sentence(directory.path).contains("no config.json and no .gguf file"))
    _ = try directory.write("adapter_config.json", "{}".utf8)
    #expect(sentence(directory.path).contains("this is an adapter"))
    #expect(sentence(directory.path("x.safetensors")).contains("name the directory around it"))
    _ = try directory.write("config.json", WeightsConfigurationTests.minimal.text().utf8)
    #expect(sentence(directory.path).contains("there is no model.safetensors"))
    _ = try directory.write("pytorch_model.bin", [])
    #expect(sentence(directory.path).contains("pickle files"))
    _ = try directory.write(
      "model.safetensors.index.json", #"{"weight_map":{"a":"../../x.safetensors"}}"#.utf8)
    #expect(sentence(directory.path).contains("expected a name without directories"))
    _ = try directory.write(
      "model.safetensors.index.json", #"{"weight_map":{"a":"m-1.safetensors"}}"#.utf8)
    #expect(sentence(directory.path).contains("the shard m-1.safetensors is missing"))
  }

  /// Damage either shows as a problem or leaves a model that can be read without harm.
  @Test(arguments: ["weights/tiny.gguf", "weights/nf4-double/model.safetensors"])
  func survivesDamage(golden: String) throws {
    let directory = try TemporaryDirectory()
    let bytes = try readFile(goldenPath(golden))
    let isGGUF = golden.hasSuffix(".gguf")
    if !isGGUF {
      try FileManager.default.copyItem(
        atPath: goldenPath("weights/nf4-double/config.json"), toPath: directory.path("config.json"))
    }
    // Most of the damage goes where the structure is.
    let headerBytes = isGGUF ? 4000 : 9000
    for seed in UInt64(0)..<300 {
      let broken = damaged(
        bytes, seed: seed, within: seed.isMultiple(of: 4) ? bytes.count : headerBytes)
      let path = try directory.write(isGGUF ? "m.gguf" : "model.safetensors", broken)
      guard let files = try? PretrainedFiles.open(isGGUF ? path : directory.path) else { continue }
      for linear in files.specification.linears {
        _ = try? files.linear(linear, storage: WeightStorage(.bfloat16, quantization: .nf4))
      }
    }
  }
}
