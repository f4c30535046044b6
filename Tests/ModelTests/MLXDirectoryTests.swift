import Formats
import Model
import Tensors
import TestSupport
import Testing
import Training

/// An adapter of mlx-lm is read as the PEFT adapter with the transposed factors.
@Suite struct MLXDirectoryTests {
  let golden: GoldenModel
  let folder: TemporaryDirectory

  init() throws {
    golden = try GoldenModel()
    folder = try TemporaryDirectory()
  }

  private var linears: [Site] { golden.files.specification.linears }

  private func load() throws -> PEFTDirectory.Loaded {
    try AdapterDirectory.load(folder.path, linears: linears, baseFingerprint: "f")
  }

  private func sentence() throws -> String {
    #expect(throws: Problem.self) { try load() }?.description ?? ""
  }

  private static let settings: JSON = [
    "model": "mlx-community/somewhere", "fine_tune_type": "lora", "num_layers": -1,
    "batch_size": 4, "lora_parameters": ["rank": 4, "dropout": 0.0, "scale": 3.0],
  ]

  /// Writes an adapter as mlx-lm does, with plain loops.
  private func write(
    _ adapters: AdapterSet, settings: JSON = settings,
    name: (String) -> String = { $0 }, extra: [SafetensorsWriter.Source] = []
  ) throws {
    var tensors = extra
    for module in adapters.modules {
      let lora = try #require(module.adapter as? LoRA)
      for (factor, value) in [("lora_a", lora.a.value), ("lora_b", lora.b.value)] {
        let (rows, columns) = (value.shape[0], value.shape[1])
        let values = value.toArray(Float.self)
        let turned = (0..<columns).flatMap { c in (0..<rows).map { values[$0 * columns + c] } }
        tensors.append(
          SafetensorsWriter.Source(
            name: "\(name(module.site.module)).\(factor)", dtype: "F32", shape: [columns, rows]
          ) { emit in try turned.withUnsafeBytes(emit) })
      }
    }
    try SafetensorsWriter.write(
      folder.path("adapters.safetensors"), tensors: tensors, metadata: ["format": "mlx"])
    try writeFile(folder.path("adapter_config.json"), settings.text(.indented))
  }

  @Test(arguments: ["", "language_model."]) func readsTransposedFactors(prefix: String) throws {
    let expected = try golden.adapters()
    let rank = try #require(expected.modules.first?.adapter as? LoRA).rank
    let scale = try #require(expected.modules.first?.adapter as? LoRA).scale
    var settings = Self.settings
    settings.set("lora_parameters", ["rank": .integer(rank), "scale": .number(Double(scale))])
    try write(expected, settings: settings) { prefix + $0 }
    let loaded = try load()
    #expect(loaded.warnings.isEmpty)
    let found = loaded.adapters
    #expect(found.modules.map(\.site) == expected.modules.map(\.site))
    for (a, b) in zip(found.parameters, expected.parameters) {
      #expect(a.name == b.name, "so that it is written as PEFT has it")
      #expect(a.value.shape == b.value.shape)
      #expect(a.value.toArray(Float.self) == b.value.toArray(Float.self))
    }
    for module in found.modules {
      #expect(try #require(module.adapter as? LoRA).scale == scale)
    }
    #expect(found.method.disagreements(with: expected.method).isEmpty)
    #expect(found.method.baseModel == "mlx-community/somewhere")
    let model = try golden.model()
    func logits(_ adapters: AdapterSet) -> [Float] {
      let cache = KeyValueCache(model.specification, capacity: 3)
      return model.nextLogits([1, 5, 9], adapters: adapters, cache: cache).toArray(Float.self)
    }
    #expect(logits(found) == logits(expected))
  }

  @Test func aPEFTAdapterBesideItCounts() throws {
    try write(try golden.adapters())
    let peft = AdapterSet(
      fresh: LoRAConfiguration(rank: 2, alpha: 4, targetModules: ["q_proj"], baseModel: "b"),
      targets: [linears[0]], seed: 1)
    try PEFTDirectory.write(peft, baseFingerprint: "f", to: folder.path)
    #expect(try load().adapters.modules.count == 1)
  }

  static let refused: [(String, JSON?, String)] = [
    ("fine_tune_type", "dora", "fine_tune_type is \"dora\""),
    ("fine_tune_type", "full", "fine_tune_type is \"full\", supported is \"lora\""),
    ("lora_parameters", nil, "\"lora_parameters\" is missing"),
    ("lora_parameters", ["scale": 1], "the rank is missing"),
    ("lora_parameters", ["rank": 0, "scale": 1], "the rank is 0"),
    ("lora_parameters", ["rank": 4], "the scale is missing"),
    ("lora_parameters", ["rank": 4, "scale": 1e300], "the scale is"),
    ("lora_parameters", ["rank": 3, "scale": 1], "the rank imply"),
  ]

  @Test(arguments: refused)
  func refuses(key: String, value: JSON?, expected: String) throws {
    var settings = Self.settings
    settings.set(key, value)
    try write(try golden.adapters(), settings: settings)
    let text = try sentence()
    #expect(text.contains(expected), "\(text)")
  }

  @Test func refusesTensorsItDoesNotKnow() throws {
    let one = SafetensorsWriter.Source(
      name: "model.layers.0.mlp.up_proj.m", dtype: "F32", shape: [1]
    ) { emit in try [Float(1)].withUnsafeBytes(emit) }
    try write(try golden.adapters(), extra: [one])
    #expect(try sentence().contains("belongs to DoRA"))
    try write(try golden.adapters()) { "somewhere." + $0 }
    #expect(try sentence().contains("holds no adapter tensor for this model"))
  }

  @Test func namesOldFiles() throws {
    _ = try folder.write("adapters.npz", [])
    #expect(try sentence().contains("save the adapter with a newer mlx-lm"))
  }

  @Test func saysThatAlphaIsIgnored() throws {
    let adapters = try golden.adapters()
    let rank = try #require(adapters.modules.first?.adapter as? LoRA).rank
    var settings = Self.settings
    settings.set("lora_parameters", ["rank": .integer(rank), "scale": 20.0, "alpha": 16])
    try write(adapters, settings: settings)
    let loaded = try load()
    #expect(loaded.warnings.count == 1 && loaded.warnings[0].contains("\"alpha\" 16"))
    #expect(try #require(loaded.adapters.modules.first?.adapter as? LoRA).scale == 20)
  }
}
