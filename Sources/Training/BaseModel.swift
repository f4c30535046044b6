import Formats
package import Model
import Tensors
package import Text

/// An opened base model with what turns text into its tokens. Weights are read by `load`.
package struct BaseModel {
  package let path: String
  package let files: PretrainedFiles
  package let tokenizer: Tokenizer
  /// How a conversation becomes text.
  package let template: ChatTemplate

  /// - Parameters:
  ///   - path: A Hugging Face directory or a GGUF file.
  ///   - template: `auto` for the model's own, else what `data.template` accepts.
  ///   - date: What a template that shows the date shows, in seconds since 1970; nil: today.
  package init(path: String, template: String = "auto", date: Int? = nil) throws {
    self.path = path
    files = try PretrainedFiles.open(path)
    tokenizer = try Tokenizer.load(files.tokenizerPath)
    var chosen = try ChatTemplate.choose(template, modelPath: files.tokenizerPath)
    if let date { chosen.date = date }
    self.template = chosen
    guard tokenizer.vocabularySize <= files.specification.vocabularySize else {
      throw Problem(
        path,
        "the tokenizer has \(tokenizer.vocabularySize) tokens, the model's vocabulary_size is "
          + "\(files.specification.vocabularySize); they do not belong together")
    }
  }

  package func renderer(trainOn: TrainOn = .assistant) -> Renderer {
    Renderer(tokenizer: tokenizer, template: template, trainOn: trainOn)
  }

  package func load(
    compute: ComputeType, quantization: Quantization?, doubleQuantization: Bool,
    progress: (Double) -> Void = { _ in }
  ) throws -> CausalLM {
    try CausalLM.load(
      files,
      storage: WeightStorage(compute, quantization, doubleQuantization: doubleQuantization),
      activations: compute.dataType, progress: progress)
  }
}

extension WeightStorage {
  /// How the linear layers are kept that a recipe asks for.
  init(_ compute: ComputeType, _ quantization: Quantization?, doubleQuantization: Bool) {
    self =
      switch (quantization, compute) {
      case (.nf4, _): .nf4(doubleQuantization: doubleQuantization)
      case (nil, .float32): .float32
      case (nil, .bfloat16): .bfloat16
      }
  }
}

extension ComputeType {
  /// The type of activations.
  var dataType: DataType {
    switch self {
    case .float32: .float32
    case .bfloat16: .bfloat16
    }
  }
}
