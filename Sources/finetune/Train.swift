import ArgumentParser
import Formats
import Recipes
import Training

/// `finetune train`: recipe -> adapter.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains an adapter as a recipe says.",
    discussion: """
        finetune train Recipes/quickstart-lora.json
        finetune train mine.json --set training.epochs=3 \\
            --set output.directory=runs/b
        finetune train mine.json --dry-run
        finetune train mine.json --resume

      Ctrl-C (or SIGTERM) stops after the running micro-batch and saves a checkpoint;
      --resume continues from there, bit for bit as if nothing had happened.
      """)

  @Argument(help: "The recipe file (JSON; 'finetune recipe explain' lists the keys).")
  var recipe: String

  @OptionGroup var overrides: RecipeOverrides

  @Flag(help: "Continue the run in output.directory from its newest valid checkpoint.")
  var resume = false

  @Flag(help: "Check recipe, rows and model, report what a run would do and need, then stop.")
  var dryRun = false

  func run() throws {
    let recipe = try Recipe.load(path: recipe, overrides: overrides.set)
    let base = try ModelReference.base(of: recipe, resume: resume)
    let interruption = Interruption()
    let display = TrainingDisplay(recipe: recipe, terminal: .error)
    let trainer = Trainer(
      recipe: recipe, base: base, resume: resume, onEvent: display.show,
      shouldStop: { interruption.isRequested })
    if dryRun { return display.show(try trainer.plan()) }

    interruption.watch {
      Terminal.error.write(
        "\nstopping after this micro-batch, then saving; interrupt again to quit at once\n")
    }
    switch try trainer.run() {
    case .finished:
      display.showEnd()
    case .interrupted(let checkpoint):
      display.showInterruption(checkpoint: checkpoint, command: resumeCommand)
      throw ExitCode(ExitStatus.interrupted)
    }
  }

  /// What the user types to go on.
  private var resumeCommand: String {
    let settings = overrides.set.map { " --set " + shellQuoted($0) }.joined()
    return "finetune train \(shellQuoted(recipe))\(settings) --resume"
  }
}
