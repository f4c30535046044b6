import Formats
import Testing

@testable import Hub

@Suite struct SelectionTests {
  private static let companions = ["config.json", "tokenizer.json", "chat_template.jinja"]

  private func choose(
    _ paths: [String], _ name: String = "o/n", _ change: (inout FileSelection) -> Void = { _ in }
  ) throws -> FileSelection.Choice {
    let name = try #require(HubName(name))
    var selection = FileSelection()
    selection.file = name.file
    change(&selection)
    return try selection.choose(from: paths, of: name)
  }

  private func sentence(
    _ paths: [String], _ name: String = "o/n", _ change: (inout FileSelection) -> Void = { _ in }
  ) throws -> String {
    do { return "chose \(try choose(paths, name, change).files)" } catch let problem as Problem {
      return problem.description
    }
  }

  @Test func aModelIsItsSafetensorsAndWhatBelongsToThem() throws {
    let noise = [
      "README.md", "onnx/model.onnx", "pytorch_model.bin", "model.fp16.safetensors", "run.py",
      "consolidated.safetensors", "images/a.png", "original/params.json", "original/config.json",
    ]
    let choice = try choose(Self.companions + noise + ["model.safetensors", "LICENSE"])
    #expect(choice.files == Self.companions + ["LICENSE", "model.safetensors"])
    #expect(choice.index == nil)
  }

  @Test func theSingleFileIsPreferred() throws {
    let both = Self.companions + ["model.safetensors", "model.safetensors.index.json"]
    #expect(try choose(both).index == nil)
    #expect(
      try choose(Self.companions + ["model.safetensors.index.json"]).index
        == "model.safetensors.index.json")
  }

  @Test func anAdapterIsWhole() throws {
    #expect(
      try choose(["adapter_config.json", "adapter_model.safetensors", "tokenizer.json"]).files
        == ["tokenizer.json", "adapter_model.safetensors", "adapter_config.json"])
  }

  @Test func pickleIsNeverChosen() throws {
    let pickles = Self.companions + ["pytorch_model.bin"]
    #expect(
      try sentence(pickles).contains(
        "only as pickle files (pytorch_model.bin), which are never read"))
    #expect(
      try sentence(pickles) { $0.include = ["*.bin"] }.contains(
        "pytorch_model.bin is a pickle file"))
    #expect(try sentence(["weights.PT"]).contains("pickle"))
  }

  private static let models = [
    "ferry-1b-Q4_K_M.gguf", "ferry-1b-Q4_K_S.gguf", "ferry-1b.Q8_0.gguf", "ferry-1b-f16.gguf",
    "mmproj-f16.gguf", "ferry-1b.imatrix.gguf", "big/ferry-1b-BF16-00001-of-00002.gguf",
    "big/ferry-1b-BF16-00002-of-00002.gguf", "config.json", "ferry-1b-IQ2_XS.gguf",
  ]

  @Test(arguments: [
    ("Q4_K_M", ["ferry-1b-Q4_K_M.gguf"]), ("q8_0", ["ferry-1b.Q8_0.gguf"]),
    ("F16", ["ferry-1b-f16.gguf"]), ("IQ2_XS", ["ferry-1b-IQ2_XS.gguf"]),
    ("ferry-1b-Q4_K_S.gguf", ["ferry-1b-Q4_K_S.gguf"]),
    (
      "BF16",
      ["big/ferry-1b-BF16-00001-of-00002.gguf", "big/ferry-1b-BF16-00002-of-00002.gguf"]
    ),
  ])
  func aQuantizationIsChosen(word: String, files: [String]) throws {
    #expect(try choose(Self.models, "o/n:\(word)").files == files)
    #expect(try choose(Self.models) { $0.file = word }.files == files)
  }

  @Test func severalModelsAreNotGuessed() throws {
    let problem = try sentence(Self.models)
    #expect(problem.contains("holds 6 GGUF models; choose one with --quant"), "\(problem)")
    #expect(problem.contains("among Q4_K_M, Q4_K_S, Q8_0, f16, BF16, IQ2_XS"))
    #expect(try sentence(Self.models, "o/n:Q3_K").contains("no GGUF file for \"Q3_K\""))
    #expect(
      try sentence(["a-Q4_0.gguf", "b-Q4_0.gguf"], "o/n:Q4_0").contains("2 GGUF files"))
    #expect(try choose(["a-Q4_0.gguf", "README.md"]).files == ["a-Q4_0.gguf"])
  }

  @Test func patterns() throws {
    let paths = Self.companions + ["model.safetensors", "data/a.csv", "data/b/c.csv"]
    #expect(try choose(paths) { $0.include = ["*.csv"] }.files == ["data/a.csv", "data/b/c.csv"])
    #expect(try choose(paths) { $0.include = ["data/"] }.files == ["data/a.csv", "data/b/c.csv"])
    #expect(
      try choose(paths) { $0.exclude = ["*.safetensors", "tok*"] }.files
        == ["config.json", "chat_template.jinja"])
    #expect(try sentence(paths) { $0.include = ["x"] }.contains("none of its 6 files is wanted"))
  }

  @Test func aDataSetIsItsRows() throws {
    let paths = ["data/a.parquet", "b.jsonl", "c.py", "d.pkl", "e.png", "README.md"]
    #expect(
      try choose(paths, "datasets/o/n").files == ["data/a.parquet", "b.jsonl", "README.md"])
    #expect(try choose(paths, "datasets/o/n:b.jsonl").files == ["b.jsonl"])
    #expect(
      try sentence(paths, "datasets/o/n:b.json").contains("did you mean \"b.jsonl\"?"))
  }
}
