import Model
import Tensors
import TestSupport
import Testing

@Suite struct LoRATests {
  static let (tokens, inputs, outputs, rank) = (13, 24, 10, 3)

  let workspace = Workspace(capacity: 1 << 26)

  func tensor(_ shape: [Int], _ stream: UInt32) -> Tensor {
    let tensor = Tensor.zeros(shape)
    Random.fillUniform(tensor, -1..<1, key: RandomKey(seed: 3, .sampling, a: stream))
    return tensor
  }

  func lora(dropout: Double = 0) -> LoRA {
    LoRA(
      a: Parameter(name: "A", value: tensor([Self.rank, Self.inputs], 1)),
      b: Parameter(name: "B", value: tensor([Self.outputs, Self.rank], 2)), alpha: 5.1,
      scale: 1.7, dropout: dropout, site: site.id)
  }

  var site: Site {
    var sites = SiteList()
    for name in ["a", "b", "c"] {
      _ = sites.linear(name, outputs: Self.outputs, inputs: Self.inputs)
    }
    return sites.linear("l", outputs: Self.outputs, inputs: Self.inputs).weight
  }

  func pass(_ lora: LoRA, training: Bool = true) -> Pass {
    let method = LoRAConfiguration(
      rank: Self.rank, alpha: 5.1, targetModules: ["l"], baseModel: "b")
    return Pass(
      workspace: workspace, activations: .float32, segments: Segments(lengths: [Self.tokens]),
      positions: Tensor.from((0..<Int32(Self.tokens)).map { $0 }, .int32),
      adapters: AdapterSet(method: method, modules: [.init(site: site, adapter: lora)]),
      dropout: training ? DropoutKey(seed: 9, step: 2, microBatch: 1) : nil)
  }

  /// A layer that is nothing but its adapter.
  var linear: Linear {
    Linear(site: site, weight: .float32(Tensor.zeros([Self.outputs, Self.inputs])))
  }

  func output(_ lora: LoRA, _ x: Tensor, training: Bool = true) -> [Float] {
    let y = Tensor.zeros([Self.tokens, Self.outputs])
    let saved = linear.makeSaved(tokens: Self.tokens, pass: pass(lora, training: training))
    linear.forward(x, out: y, saved: saved, workspace: workspace)
    return y.toArray(Float.self)
  }

  /// Merging is exact: x (W + ΔW)' = x W' + adapter(x).
  @Test func mergedWeightEqualsTheAdapter() {
    let (lora, x) = (lora(), tensor([Self.tokens, Self.inputs], 3))
    let delta = Tensor.zeros([Self.outputs, Self.inputs])
    lora.merge(into: delta, workspace: workspace)
    let merged = Tensor.zeros([Self.tokens, Self.outputs])
    Kernels.linearForward(x: x, weight: .float32(delta), out: merged, workspace: workspace)
    expectClose(output(lora, x), merged.toArray(Float.self), absolute: 1e-5, relative: 1e-5)
  }

  /// All gradients against central differences of sum(y · w), dropout included.
  @Test(arguments: [0, 0.3])
  func gradientsMatchFiniteDifferences(dropout: Double) {
    let (lora, x) = (lora(dropout: dropout), tensor([Self.tokens, Self.inputs], 3))
    let weights = tensor([Self.tokens, Self.outputs], 4)
    let dX = Tensor.zeros(x.shape)
    let saved = linear.makeSaved(tokens: Self.tokens, pass: pass(lora))
    let y = Tensor.zeros([Self.tokens, Self.outputs])
    linear.forward(x, out: y, saved: saved, workspace: workspace)
    Linear.backward(
      [Linear.Branch(linear: linear, dOut: weights, saved: saved)], x: x, into: dX,
      workspace: workspace)
    func objective() -> Double {
      zip(output(lora, x), weights.toArray(Float.self)).reduce(0) {
        $0 + Double($1.0) * Double($1.1)
      }
    }
    for (value, gradient) in [
      (lora.a.value, lora.a.gradient), (lora.b.value, lora.b.gradient), (x, dX),
    ] {
      // Bilinear in each: a large step has no truncation error.
      let original = value.toArray(Float.self)
      let found = gradient.toArray(Float.self)
      for index in stride(from: 0, to: original.count, by: 7) {
        func shifted(_ by: Float) -> Double {
          var values = original
          values[index] += by
          value.copy(from: values)
          defer { value.copy(from: original) }
          return objective()
        }
        let expected = (shifted(0.5) - shifted(-0.5)) / 1
        expectClose([Double(found[index])], [expected], absolute: 2e-4, relative: 2e-4)
      }
    }
  }

  @Test func dropoutOnlyInTraining() {
    let (lora, x) = (lora(dropout: 0.5), tensor([Self.tokens, Self.inputs], 3))
    #expect(output(lora, x, training: false) == output(self.lora(), x, training: false))
    #expect(output(lora, x) != output(lora, x, training: false))
    #expect(output(lora, x) == output(lora, x))
  }
}
