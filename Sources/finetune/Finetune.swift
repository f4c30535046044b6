import ArgumentParser
import Formats
import Foundation
import Recipes
import Training

/// The root command: parses, runs a verb, and turns every error into a sentence and an exit code.
@main
struct Finetune: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "finetune",
    abstract: "Fine-tunes language models with LoRA and QLoRA on the processor you have.",
    discussion: """
      A first run, from nothing to a merged model:

        finetune pull smollm2-135m-instruct
        finetune train Recipes/quickstart-lora.json
        finetune merge --model Checkpoints/models/smollm2-135m-instruct \\
            --adapter Checkpoints/quickstart-lora/adapter --output Checkpoints/ferry

      Results go to standard output, progress and messages to standard error.
      Exit codes: 0 done; 1 the run failed; 2 recipe, data or arguments are wrong;
      130 interrupted: a checkpoint was saved, unless a second Ctrl-C ended it at once.
      """,
    version: Version.current,
    subcommands: [
      Pull.self, Train.self, Eval.self, Generate.self, Merge.self, Quantize.self,
      ExportVerb.self, Convert.self, Compare.self, Tokenize.self, DataCommand.self,
      RecipeCommand.self,
    ])

  static func main() {
    // A reader that went away (`| head`) is no reason to die in the middle of a run.
    signal(SIGPIPE, SIG_IGN)
    do {
      try ProcessorLevel.check(ProcessInfo.processInfo.environment)
      var command = try parseAsRoot()
      try command.run()
    } catch {
      Foundation.exit(report(error))
    }
  }

  /// Tells the user and returns the exit code.
  private static func report(_ error: any Error) -> Int32 {
    if let problem = error as? Problem {
      Terminal.error.write("finetune: \(problem.description)\n")
      return problem.kind == .input ? ExitStatus.badInput : ExitStatus.failed
    }
    if let code = error as? ExitCode { return code.rawValue }
    switch exitCode(for: error) {
    case .success:
      // Help or the version was asked for: that is the result.
      Terminal.output.write(fullMessage(for: error) + "\n")
      return 0
    case .validationFailure:
      let message = fullMessage(for: error)
      let sentence = message.hasPrefix("Error: ") ? String(message.dropFirst(7)) : message
      Terminal.error.write("finetune: \(sentence)\n\(suggestion(for: sentence))")
      return ExitStatus.badInput
    default:
      Terminal.error.write("finetune: \(error)\n")
      return ExitStatus.failed
    }
  }

  /// The verb that was meant by a misspelt one.
  private static func suggestion(for sentence: String) -> String {
    guard sentence.hasPrefix("Unexpected argument"), CommandLine.arguments.count > 1 else {
      return ""
    }
    let word = CommandLine.arguments[1]
    let verbs = configuration.subcommands.map { $0._commandName }
    guard !verbs.contains(word), let verb = nearest(to: word, among: verbs) else { return "" }
    return "  Did you mean 'finetune \(verb)'?\n"
  }
}

/// What the process returns besides 0.
enum ExitStatus {
  static let failed: Int32 = 1
  static let badInput: Int32 = 2
  /// Stopped by a signal, after everything was saved.
  static let interrupted: Int32 = 130
}
