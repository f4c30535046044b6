import Formats
import Model
import Tensors
import TestSupport
import Testing
import Training

/// Ten optimizer steps on the tiny Llama against PyTorch's AdamW and clipping in float64.
@Suite struct GoldenTrainingTests {
  let path = goldenPath("tiny-llama")

  @Test func tenStepsMatch() throws {
    let golden = try readJSON("\(path)/golden.json")
    func integers(_ json: JSON?) -> [Int32] {
      (json?.array ?? []).compactMap { $0.integer.map(Int32.init) }
    }
    func numbers(_ key: String) -> [Double] { (golden[key]?.array ?? []).compactMap(\.number) }
    let rows = (golden["rows"]?.array ?? []).map { (integers($0["ids"]), integers($0["labels"])) }
    let trained = try #require(golden["trained_tokens"]?.integer)
    let files = try PretrainedFiles.open(path)
    let model = try CausalLM.load(files)
    let adapters = try PEFTDirectory.load(
      "\(path)/adapter", linears: files.specification.linears, baseFingerprint: files.fingerprint
    ).adapters
    let optimizer = AdamW(
      parameters: adapters.parameters,
      settings: .init(
        beta1: 0.9, beta2: 0.999, epsilon: 1e-8,
        weightDecay: try #require(golden["weight_decay"]?.number)))

    var losses: [Double] = []
    var norms: [Double] = []
    for _ in numbers("losses") {
      let loss = Tensor.zeros([1], .float64)
      model.accumulateGradients(
        TokenBatch(rows: rows), adapters: adapters, objective: SupervisedObjective(),
        gradientScale: 1 / Double(trained), loss: loss, checkpointing: false, dropout: nil)
      losses.append(loss.scalar / Double(trained))
      norms.append(optimizer.gradientNorm())
      optimizer.update(
        learningRate: try #require(golden["learning_rate"]?.number),
        gradientScale: AdamW.clipScale(
          norm: norms[norms.count - 1], maximum: golden["max_grad_norm"]?.number))
    }
    expectClose(losses, numbers("losses"), absolute: 0, relative: 1e-4)
    expectClose(norms, numbers("gradient_norms"), absolute: 0, relative: 1e-3)
    let expected = try SafetensorsFile("\(path)/golden.safetensors")
    for parameter in adapters.parameters {
      let values = try expected.float32("trained." + parameter.name).toArray(Float.self)
      expectClose(
        parameter.value.toArray(Float.self), values, absolute: 2e-3, relative: 2e-3, parameter.name)
    }
  }
}
