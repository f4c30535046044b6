import ArgumentParser
import Formats
import Model
import Training

/// `finetune generate`: one answer.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Answers a prompt with a model, with or without an adapter.",
    discussion: """
        finetune generate --model base --prompt "What is a tugline?"
        finetune generate --model base --adapter run/adapter --prompt "…" \\
            --temperature 0.7 --top-p 0.9 --seed 3

      The same options always give the same answer. Temperature 0 takes the likeliest
      token every time; above 0 the seed decides.
      """)

  @OptionGroup var model: ModelOptions

  @Option(help: "Adapter directory.")
  var adapter: String?

  @Option(help: "What the user says.")
  var prompt: String

  @Option(help: "System message before the prompt.")
  var system: String?

  @Option(help: "Longest answer in tokens.")
  var maxNewTokens = 256

  @Option(help: "0 is greedy; higher values give more varied answers.")
  var temperature = 0.0

  @Option(help: "Sample from the likeliest tokens that together reach this probability.")
  var topP = 1.0

  @Option(help: "Seed of the sampling.")
  var seed: UInt64 = 0

  @Flag(help: "Continue the prompt as plain text, without the chat template.")
  var raw = false

  @OptionGroup var template: TemplateOptions

  func validate() throws {
    if !(1...1_000_000).contains(maxNewTokens) {
      throw ValidationError(
        "--max-new-tokens: found \(maxNewTokens), expected a number from 1 to 1000000")
    }
    if !(temperature >= 0 && temperature.isFinite) {
      throw ValidationError("--temperature: found \(temperature), expected 0 or a number above it")
    }
    if !(topP > 0 && topP <= 1) {
      throw ValidationError("--top-p: found \(topP), expected a number above 0 and up to 1")
    }
  }

  func run() throws {
    let generator = try TextGenerator(
      model: try model.path(), adapter: try adapter.map(ModelReference.path),
      storage: model.storage, template: try template.choice(), threads: model.threads)
    for warning in generator.warnings { Terminal.error.warn(warning) }
    let result = try generator.generate(
      prompt: prompt, system: system, maxNewTokens: maxNewTokens,
      sampler: TokenSampler(temperature: temperature, topP: topP, seed: seed), raw: raw,
      onText: { Terminal.output.write($0) })
    Terminal.output.write("\n")
    guard Terminal.error.isInteractive else { return }
    Terminal.error.write(
      Terminal.error.dim(
        "\(result.newTokens) tokens in \(NumberText.duration(result.seconds))") + "\n")
  }
}
