import ArgumentParser

/// `finetune data`: looks at rows, and cleans them, before anything is trained on them.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data",
    abstract: "Checks rows before training, cleans them, and says how many and how long they are.",
    subcommands: [Check.self, Prepare.self, Stats.self])
}
