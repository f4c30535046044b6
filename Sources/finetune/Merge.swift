import ArgumentParser
import Export
import Tensors

/// `finetune merge`: base + adapter -> one model.
struct Merge: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Adds an adapter to its base model and writes the sum as a model of its own.",
    discussion: """
        finetune merge --model base --adapter run/adapter --output merged

      The result is a Hugging Face directory: config, weights, tokenizer, template.
      In float32 it equals base + adapter to rounding; bfloat16 halves the size and
      rounds each weight once.
      """)

  @Option(help: "Base model: a Hugging Face directory, a .gguf file or OWNER/NAME of the hub.")
  var model: String

  @Option(help: "Adapter directory.")
  var adapter: String

  @Option(help: "New directory for the result.")
  var output: String

  @Option(help: "Type of the weights written: float32, bfloat16 or float16.")
  var dtype = WeightType(type: .float32)

  func run() throws {
    try Merger.run(
      model: try ModelReference.path(model), adapter: try ModelReference.path(adapter),
      output: output, type: dtype.type,
      warn: { Terminal.error.write("warning: \($0)\n") })
    Terminal.error.write("written to \(output) in \(dtype.type.torchName)\n")
  }
}

/// A type that weights are written in.
struct WeightType: ExpressibleByArgument {
  let type: DataType

  private static let types: [DataType] = [.float32, .bfloat16, .float16]

  init(type: DataType) { self.type = type }

  init?(argument: String) {
    guard let type = Self.types.first(where: { $0.torchName == argument }) else { return nil }
    self.type = type
  }

  var defaultValueDescription: String { type.torchName }
  static var allValueStrings: [String] { types.map(\.torchName) }
}
