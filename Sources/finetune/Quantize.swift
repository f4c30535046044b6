import ArgumentParser
import Formats
import Export

/// `finetune quantize`: a checkpoint in 4 bits that other tools read.
struct Quantize: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Writes a model with its linear layers in 4-bit NormalFloat.",
    discussion: """
        finetune quantize --model base --output base-nf4

      The result is a Hugging Face directory in the layout of bitsandbytes, which
      transformers loads as it is.
      """)

  @Option(help: "Model: a Hugging Face directory, a .gguf file or OWNER/NAME of the hub.")
  var model: String

  @Option(help: "New directory for the result.")
  var output: String

  @Flag(inversion: .prefixedNo, help: "Quantize the block scales as well.")
  var doubleQuantization = true

  func run() throws {
    try QuantizedModelWriter.run(
      model: try ModelReference.path(model), output: output, doubleQuantization: doubleQuantization)
    Terminal.error.write("written to \(output)\n")
  }
}
