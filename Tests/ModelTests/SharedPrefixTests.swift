import Formats
import Model
import Tensors
import TestSupport
import Testing
import Training

/// Rows that share what they begin with against the same rows each for itself.
@Suite struct SharedPrefixTests {
  /// Tiny models: plain, with norms of heads, with soft caps and windows in every other layer, and with
  /// a window in all.
  static let models = ["tiny-llama", "families/qwen3", "families/gemma2", "mistral"]

  struct Subject {
    let files: PretrainedFiles
    let adapterPath: String
    private let folder: TemporaryDirectory

    init(_ name: String) throws {
      folder = try TemporaryDirectory()
      adapterPath = goldenPath(name == "mistral" ? "tiny-llama" : name) + "/adapter"
      guard name == "mistral" else {
        files = try PretrainedFiles.open(goldenPath(name))
        return
      }
      var config = try readJSON(goldenPath("tiny-llama") + "/config.json")
      config.set("model_type", "mistral")
      config.set("architectures", ["MistralForCausalLM"])
      config.set("sliding_window", 29)
      for file in ["model.safetensors", "tokenizer.json", "tokenizer_config.json"] {
        _ = try folder.write(file, readFile(goldenPath("tiny-llama") + "/" + file))
      }
      _ = try folder.write("config.json", config.text().utf8)
      files = try PretrainedFiles.open(folder.path)
    }

    func adapters(dropout: Double = 0) throws -> AdapterSet {
      try PEFTDirectory.load(
        adapterPath, linears: files.specification.linears, baseFingerprint: files.fingerprint,
        dropout: dropout
      ).adapters
    }

    struct Result: Equatable {
      let loss: Double
      let gradients: [[Float]]
    }

    /// Mean loss and its gradients by every adapter parameter.
    func gradients(
      _ batch: TokenBatch, _ storage: WeightStorage = WeightStorage(.float32),
      checkpointing: Bool = false
    ) throws -> Result {
      let (model, adapters) = (try CausalLM.load(files, storage: storage), try adapters())
      let loss = Tensor.zeros([1], .float64)
      model.accumulateGradients(
        batch, adapters: adapters, objective: SupervisedObjective(),
        gradientScale: 1 / Double(batch.trainedTokens), loss: loss, checkpointing: checkpointing,
        dropout: nil)
      return Result(
        loss: loss.scalar / Double(batch.trainedTokens),
        gradients: adapters.parameters.map { $0.gradient.toArray(Float.self) })
    }
  }

  /// Two families, a row for itself, and a row that is only a beginning.
  static let rows: [TokenRow] = {
    var random = SplitMix64(seed: 21)
    func tokens(_ count: Int) -> [Int32] { random.integers(count, in: 3..<380) }
    let (system, document) = (tokens(45), tokens(70))
    let rows = [
      (system + tokens(20), 55), (document + tokens(6), 73), (tokens(33), 10),
      (system + tokens(3), 46), (system, 99), (document + tokens(31), 80), (system + tokens(9), 50),
      (document + tokens(2), 71),
    ]
    return rows.map { RowBeginningsTests.row($0.0, trained: $0.1) }
  }()

  let shared = TokenBatch(rows: Self.rows, sharingPrefixes: true)
  let separate = TokenBatch(rows: Self.rows)

  @Test func theBatchSharesTwoBeginnings() {
    #expect(separate.tokens - shared.tokens == 3 * 45 + 2 * 70)
    #expect(shared.trainedTokens == separate.trainedTokens)
    #expect(shared.rowTokens == separate.tokens)
  }

  @Test(arguments: models, [false, true])
  func lossAndGradientsAreThoseOfSeparateRows(name: String, checkpointing: Bool) throws {
    let subject = try Subject(name)
    let expected = try subject.gradients(separate)
    let result = try subject.gradients(shared, checkpointing: checkpointing)
    expectClose([result.loss], [expected.loss], absolute: 0, relative: 1e-6)
    for (gradient, other) in zip(result.gradients, expected.gradients) {
      let largest = other.reduce(0) { max($0, abs($1)) }
      #expect(largest > 0)
      expectClose(gradient, other, absolute: 1e-5 * Double(largest), relative: 1e-5)
    }
  }

  /// Rounding to bfloat16 moves the shared result no further from float32 than the separate one.
  @Test(arguments: models) func lowerPrecisionStaysAsNear(name: String) throws {
    let subject = try Subject(name)
    let exact = try subject.gradients(separate)
    func distance(_ batch: TokenBatch) throws -> Double {
      let result = try subject.gradients(batch, WeightStorage(.bfloat16))
      #expect(abs(result.loss / exact.loss - 1) < 0.005)
      let pairs = zip(result.gradients.joined(), exact.gradients.joined())
      let (wrong, all) = pairs.reduce((0.0, 0.0)) { sum, pair in
        let (d, e) = (Double(pair.0) - Double(pair.1), Double(pair.1))
        return (sum.0 + d * d, sum.1 + e * e)
      }
      return (wrong / all).squareRoot()
    }
    let (own, other) = (try distance(shared), try distance(separate))
    #expect(own < 1.3 * other && own < 0.05, "\(own), separate \(other)")
  }

  @Test(arguments: [ComputeType.float32, .bfloat16])
  func checkpointingAndThreadsChangeNoBit(compute: ComputeType) throws {
    let subject = try Subject("families/gemma2")
    let expected = try subject.gradients(shared, WeightStorage(compute))
    #expect(
      try subject.gradients(shared, WeightStorage(compute), checkpointing: true) == expected)
    defer { Kernels.setThreads(Kernels.defaultThreads) }
    for threads in [1, 2, 3, 16] {
      Kernels.setThreads(threads)
      #expect(try subject.gradients(shared, WeightStorage(compute)) == expected)
    }
  }

  @Test(arguments: models) func evaluationGivesTheSameLoss(name: String) throws {
    let subject = try Subject(name)
    let (model, adapters) = (try CausalLM.load(subject.files), try subject.adapters())
    let losses = [shared, separate].map { batch in
      let loss = Tensor.zeros([1], .float64)
      model.accumulateLoss(
        batch, adapters: adapters, objective: SupervisedObjective(), loss: loss)
      return loss.scalar
    }
    expectClose([losses[0]], [losses[1]], absolute: 0, relative: 1e-6)
  }
}
