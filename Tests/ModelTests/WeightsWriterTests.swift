import Formats
import Model
import Tensors
import TestSupport
import Testing

@Suite struct WeightsWriterTests {
  let directory: TemporaryDirectory
  let path: String

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.path("out")
  }

  private func source(_ name: String = "bf16") throws -> PretrainedFiles {
    try PretrainedFiles.open(goldenPath("weights/\(name)"))
  }

  @Test func writesWhatItReads() throws {
    let source = try source()
    try writeFile(directory.path("progress"), "")
    var progress: [Double] = []
    try HuggingFaceDirectoryWriter(source: source).write(
      to: path, groups: source.tensorGroups(as: .bfloat16), type: .bfloat16,
      configurationChanges: [("added", 1), ("use_cache", nil)]
    ) { progress.append($0) }

    #expect(
      try directoryEntries(path) == ["config.json", "generation_config.json", "model.safetensors"])
    try expectSameTensors(try PretrainedFiles.open(path), source)
    let metadata = try SafetensorsFile("\(path)/model.safetensors").metadata
    #expect(metadata == ["format": "pt"])
    var expected = source.configuration.json
    expected.set("torch_dtype", "bfloat16")
    expected.set("added", 1)
    expected.set("use_cache", nil)
    #expect(try readJSON("\(path)/config.json") == expected)
    #expect(
      try readFile("\(path)/generation_config.json")
        == readFile(goldenPath("weights/bf16/generation_config.json")))
    #expect(progress == progress.sorted() && progress.last == 1 && progress.count == 21)
  }

  @Test func changesLinearLayersOnly() throws {
    let source = try source()
    var changed: [String] = []
    try HuggingFaceDirectoryWriter(source: source).write(
      to: path,
      groups: source.tensorGroups(as: .float32) { site, weight in
        changed.append(site.name)
        Kernels.scale(weight, by: 2)
      }, type: .float32)
    let written = try PretrainedFiles.open(path)
    #expect(changed == source.specification.linears.map(\.name))
    for site in source.specification.sites {
      let expected = try source.tensor(site)
      if changed.contains(site.name) { Kernels.scale(expected, by: 2) }
      try expectEqual(try written.tensor(site), expected, site.name)
    }
    #expect(try readJSON("\(path)/config.json")["dtype"] == "float32")
  }

  @Test func cutsLargeModelsIntoShards() throws {
    let source = try source()
    var writer = HuggingFaceDirectoryWriter(source: source)
    writer.maximumShardBytes = 40_000
    try writer.write(to: path, groups: source.tensorGroups(as: .bfloat16), type: .bfloat16)
    let names = try directoryEntries(path).filter { $0.hasPrefix("model-") }
    #expect(names.count == 4)
    #expect(names.first == "model-00001-of-00004.safetensors")
    for name in names {
      #expect(try SafetensorsFile("\(path)/\(name)").file.count < 42_000)
    }
    try expectSameTensors(try PretrainedFiles.open(path), source)
    let index = try readJSON("\(path)/model.safetensors.index.json")
    let values = source.specification.sites.reduce(0) { $0 + $1.count }
    #expect(index["metadata"]?["total_size"]?.integer == values * 2)
    for (name, shard) in index["weight_map"]?.object?.members ?? [] {
      let file = try SafetensorsFile("\(path)/\(try #require(shard.string))")
      #expect(file.tensors[name] != nil)
    }
    #expect(index["weight_map"]?.object?.count == 21)
  }

  @Test(arguments: [("nf4", false), ("nf4-double", true)])
  func writesTheLayoutOfBitsandbytes(golden: String, doubleQuantization: Bool) throws {
    let source = try source()
    try HuggingFaceDirectoryWriter(source: source).writeNF4(
      to: path, doubleQuantization: doubleQuantization)
    let written = try SafetensorsFile("\(path)/model.safetensors")
    let expected = try SafetensorsFile(goldenPath("weights/\(golden)/model.safetensors"))
    #expect(Set(written.names) == Set(expected.names))
    for name in expected.names {
      let (ours, theirs) = (
        try #require(written.tensors[name]), try #require(expected.tensors[name])
      )
      #expect(ours.dtype == theirs.dtype)
      let bytes = written.withBytes(of: name) { Array($0) }
      let reference = expected.withBytes(of: name) { Array($0) }
      if name.contains("quant_state") {
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.trimmingSpaces == String(decoding: reference, as: UTF8.self))
      } else {
        #expect(ours.shape == theirs.shape)
        #expect(bytes.elementsEqual(reference), "\(name)")
      }
    }
    let configuration = try readJSON("\(path)/config.json")
    let reference = try readJSON(goldenPath("weights/\(golden)/config.json"))
    #expect(configuration["quantization_config"] == reference["quantization_config"])
    try expectSameTensors(try PretrainedFiles.open(path), self.source(golden))
  }

  @Test func dequantizesWhenWritingAQuantizedModel() throws {
    let source = try source("nf4-double")
    try HuggingFaceDirectoryWriter(source: source).write(
      to: path, groups: source.tensorGroups(as: .bfloat16), type: .bfloat16)
    let written = try PretrainedFiles.open(path)
    #expect(!written.isQuantized)
    #expect(written.configuration.json["quantization_config"] == nil)
    try expectSameTensors(written, source)
    let problem = #expect(throws: Problem.self) {
      try HuggingFaceDirectoryWriter(source: source).writeNF4(
        to: directory.path("again"), doubleQuantization: true)
    }
    #expect(problem?.description.contains("quantized already") == true)
  }

  @Test func writesAGGUFModelWithGivenTokenizerFiles() throws {
    let source = try source("tiny.gguf")
    var writer = HuggingFaceDirectoryWriter(source: source)
    writer.tokenizerFiles = [("tokenizer.json", "{}")]
    try writer.write(to: path, groups: source.tensorGroups(as: .float32), type: .float32)
    let written = try PretrainedFiles.open(path)
    try expectSameTensors(written, source)
    #expect(written.specification == source.specification)
    #expect(written.configuration.eosTokenIDs == [2])
    #expect(try readFile("\(path)/tokenizer.json") == Array("{}".utf8))
    #expect(try readJSON("\(path)/generation_config.json")["eos_token_id"] == 2)
  }

  @Test func leavesNothingWhenItFails() throws {
    struct Stop: Error {}
    let source = try source()
    #expect(throws: Stop.self) {
      try HuggingFaceDirectoryWriter(source: source).write(
        to: path, groups: source.tensorGroups(as: .bfloat16) { _, _ in throw Stop() },
        type: .bfloat16)
    }
    #expect(try directoryEntries(directory.path).isEmpty)
  }

  @Test func keepsWhatIsThere() throws {
    let source = try source()
    try createDirectory(path)
    try writeFile("\(path)/mine", "x")
    let problem = #expect(throws: Problem.self) {
      try HuggingFaceDirectoryWriter(source: source).write(
        to: path, groups: source.tensorGroups(as: .bfloat16), type: .bfloat16)
    }
    #expect(problem?.description.contains("exists already and is not empty") == true)
    #expect(try directoryEntries(path) == ["mine"])
  }

  @Test func refusesValuesThatTheTypeCannotHold() throws {
    let source = try source()
    let problem = #expect(throws: Problem.self) {
      try HuggingFaceDirectoryWriter(source: source).write(
        to: path,
        groups: source.tensorGroups(as: .float16) { _, weight in Kernels.scale(weight, by: 1e8) },
        type: .float16)
    }
    #expect(problem?.description.contains("does not fit into F16") == true)
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    String(reversed().drop { $0 == " " }.reversed())
  }
}
