import ArgumentParser
import Rows
import Tensors
import Text

/// The base model and how it is held, for every verb that runs one.
struct ModelOptions: ParsableArguments {
  @Option(help: "Base model: a Hugging Face directory, a .gguf file or OWNER/NAME of the hub.")
  var model: String

  @Option(help: "Hold the linear layers in 4 bits.")
  var quantization: Quantization?

  @Flag(
    inversion: .prefixedNo,
    help: "With --quantization: quantize the block scales as well.")
  var doubleQuantization = true

  @Option(help: "Type of activations and products: bfloat16 takes less memory, float32 is exact.")
  var computeDtype = ComputeType.bfloat16

  @Option(help: "Processor threads (default: all). The result is the same for any number.")
  var threads: Int?

  /// Where the model lies; a repository of the hub is pulled where that is needed.
  func path() throws -> String { try ModelReference.path(model) }

  var storage: WeightStorage {
    WeightStorage(
      computeDtype, quantization: quantization, doubleQuantization: doubleQuantization)
  }

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads: found \(threads), expected a number from 1 to 1024")
    }
  }
}

extension Quantization: ExpressibleByArgument {}
extension ComputeType: ExpressibleByArgument {}
extension RowFormat: ExpressibleByArgument {}
extension Overlong: ExpressibleByArgument {}
extension TrainOn: ExpressibleByArgument {}
