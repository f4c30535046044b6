import ArgumentParser

/// `finetune data`: looks at rows before anything is trained on them.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data",
    abstract: "Checks rows before training, and says how many and how long they are.",
    subcommands: [Check.self, Stats.self])
}
