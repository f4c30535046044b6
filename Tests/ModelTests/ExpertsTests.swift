import Formats
import Model
import Tensors
import TestSupport
import Testing
import Training

/// Adapters on the experts of a mixture, which PEFT does not put there by name.
@Suite struct ExpertsTests {
  static let models = ["families/mixtral", "families/qwen3-moe"]

  struct Subject {
    let golden: GoldenModel
    let model: CausalLM
    let adapters: AdapterSet

    init(_ name: String, storage: WeightStorage = WeightStorage(.float32)) throws {
      golden = try GoldenModel(name)
      model = try CausalLM.load(golden.files, storage: storage)
      adapters = Self.adapters(golden.files.specification)
    }

    /// On every linear layer, both factors away from zero.
    static func adapters(_ specification: ModelSpecification, dropout: Double = 0) -> AdapterSet {
      let method = LoRAConfiguration(
        rank: 3, alpha: 6, dropout: dropout,
        targetModules: AdapterTargets.endings(of: specification.linears), baseModel: "")
      let adapters = AdapterSet(fresh: method, targets: specification.linears, seed: 3)
      for (index, parameter) in adapters.parameters.enumerated() where index % 2 == 1 {
        Random.fillUniform(
          parameter.value, -0.2..<0.2,
          key: RandomKey(seed: 9, .adapterInitialization, a: UInt32(index)))
      }
      return adapters
    }

    func loss(
      gradients: Bool = false, checkpointing: Bool = false, dropout: DropoutKey? = nil,
      adapters: AdapterSet? = nil
    ) -> Double {
      let loss = Tensor.zeros([1], .float64)
      let batch = TokenBatch(rows: golden.rows)
      if gradients {
        model.accumulateGradients(
          batch, adapters: adapters ?? self.adapters, objective: SupervisedObjective(),
          gradientScale: 1, loss: loss, checkpointing: checkpointing, dropout: dropout)
      } else {
        model.accumulateLoss(
          batch, adapters: adapters ?? self.adapters, objective: SupervisedObjective(), loss: loss)
      }
      return loss.scalar
    }
  }

  /// Along a random direction through each parameter. Where a token changes its experts within the step the
  /// loss jumps and has no slope there.
  @Test(arguments: models) func gradientsAreThoseOfTheLoss(name: String) throws {
    let subject = try Subject(name)
    _ = subject.loss(gradients: true)
    var random = SplitMix64(seed: 11)
    let experts = subject.adapters.modules.filter { $0.site.expert != nil }
    #expect(experts.count >= 12)
    var checked = 0
    for parameter in subject.adapters.parameters {
      let values = parameter.value.toArray(Float.self)
      let direction = random.floats(values.count)
      let expected = zip(parameter.gradient.toArray(Float.self), direction).reduce(0.0) {
        $0 + Double($1.0) * Double($1.1)
      }
      func lossAfter(_ step: Float) -> Double {
        let moved = zip(values, direction).map { $0 + step * $1 }
        Kernels.copy(Tensor.from(moved, .float32), into: parameter.value)
        return subject.loss()
      }
      let step: Float = 2e-3
      let (above, below, here) = (lossAfter(step), lossAfter(-step), lossAfter(0))
      Kernels.copy(Tensor.from(values, .float32), into: parameter.value)
      guard abs(above + below - 2 * here) < 0.01 else { continue }
      let slope = (above - below) / Double(2 * step)
      #expect(abs(slope - expected) < 0.02 * abs(expected) + 0.01, "\(parameter.name)")
      checked += abs(expected) > 0.05 ? 1 : 0
    }
    #expect(checked > subject.adapters.parameters.count / 3)
  }

  @Test(
    arguments: models,
    [
      WeightStorage(.float32), WeightStorage(.bfloat16),
      WeightStorage(.bfloat16, quantization: .nf4),
    ])
  func checkpointingAndThreadsChangeNoBit(name: String, storage: WeightStorage) throws {
    defer { Kernels.setThreads(Kernels.defaultThreads) }
    let subject = try Subject(name, storage: storage)
    func run(checkpointing: Bool) -> [[Float]] {
      let adapters = Subject.adapters(subject.golden.files.specification, dropout: 0.2)
      _ = subject.loss(
        gradients: true, checkpointing: checkpointing,
        dropout: DropoutKey(seed: 1, step: 2, microBatch: 0), adapters: adapters)
      return adapters.parameters.map { $0.gradient.toArray(Float.self) }
    }
    let expected = run(checkpointing: false)
    #expect(run(checkpointing: true) == expected)
    for threads in [1, 3, 16] {
      Kernels.setThreads(threads)
      #expect(run(checkpointing: false) == expected)
    }
  }
}
