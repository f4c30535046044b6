import ArgumentParser
import Formats
import Recipes

/// `finetune recipe`: everything about recipes without running one.
struct RecipeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipe",
    abstract: "Checks a recipe, explains its keys, prints its JSON schema.",
    subcommands: [Check.self, Schema.self, Explain.self])

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Reports every problem of a recipe at once.",
      discussion: """
        If there is none, prints the resolved recipe with every default filled in.

          finetune recipe check Recipes/quickstart-lora.json
          finetune recipe check mine.json --set adapter.rank=16
        """)

    @Argument(help: "The recipe file.")
    var recipe: String

    @OptionGroup var overrides: RecipeOverrides

    func run() throws {
      let resolved = try Recipe.load(path: recipe, overrides: overrides.set)
      Terminal.output.write(resolved.json.text(.indented) + "\n")
      let files =
        [resolved.model.path] + (resolved.data.train + resolved.data.validation).map(\.path)
      for path in files where !fileExists(path) && !directoryExists(path) {
        let isFromHub = path == resolved.model.path && ModelReference.isRepository(path)
        Terminal.error.write(
          "note: \(path) \(isFromHub ? "will be taken from the hub" : "does not exist yet")\n")
      }
      Terminal.error.write("\(recipe): no problems\n")
    }
  }

  struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints the JSON schema of recipes, for editors.",
      discussion: "  finetune recipe schema > Recipes/recipe.schema.json")

    func run() { Terminal.output.write(Recipe.schema.text(.indented) + "\n") }
  }

  struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Explains a key: its meaning, its values and its default.",
      discussion: """
          finetune recipe explain adapter.rank
          finetune recipe explain training
        """)

    @Argument(help: "A key or a section (default: every key).")
    var key: String?

    @Flag(help: "Print the whole reference as Markdown (Docs/recipes.md).")
    var markdown = false

    func run() throws {
      Terminal.output.write(markdown ? Recipe.markdown : try Recipe.explanation(of: key) + "\n")
    }
  }
}

/// `--set`, wherever a recipe is read.
struct RecipeOverrides: ParsableArguments {
  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp(
      "Change a key of the recipe; may be repeated.", valueName: "section.key=value"))
  var set: [String] = []
}
