package import Formats

extension Recipe {
  /// `Recipes/recipe.schema.json`: what editors complete and check against.
  package static var schema: JSON {
    let sections = Recipe().sections
    let properties: [(key: String, value: JSON)] =
      [("$schema", ["type": "string"])] + sections.map { ($0.name, $0.section.schema) }
    let required = sections.filter { $0.section.declarations.contains(where: \.isRequired) }
    return .object(
      JSONObject([
        ("$schema", "https://json-schema.org/draft/2020-12/schema"),
        ("title", "Recipe of a finetune run"),
        ("type", "object"),
        ("additionalProperties", false),
        ("properties", .object(JSONObject(properties))),
        ("required", .array(required.map { .string($0.name) })),
      ]))
  }

  /// What `recipe explain` prints: about one key, about a section, or about everything.
  package static func explanation(of name: String?) throws(Problem) -> String {
    let sections = Recipe().sections
    guard let name else {
      return sections.map { explain($0.name, $0.section) }.joined(separator: "\n\n")
    }
    if let (section, keys) = sections.first(where: { sameBytes($0.name, name) }) {
      return explain(section, keys)
    }
    let keys = sections.flatMap { section, keys in
      keys.declarations
        .filter { sameBytes("\(section).\($0.name)", name) || sameBytes($0.name, name) }
        .map { explain($0, in: section) }
    }
    guard keys.isEmpty else { return keys.joined(separator: "\n\n") }
    throw Problem(shown(name), "the recipe has no such section or key" + suggestion(for: name))
  }

  /// What was meant by a misspelt "key" or "section.key".
  private static func suggestion(for name: String) -> String {
    let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
    if parts.count == 2, let section = Recipe().sections.first(where: { $0.name == parts[0] }) {
      return keySuggestion(
        for: parts[1], in: section.name, keys: section.section.declarations)
    }
    return Recipe().sectionSuggestion(for: parts.last ?? name)
  }

  private static func explain(_ name: String, _ section: any RecipeSection) -> String {
    let keys = section.declarations.map { explain($0, in: name) }
    return (["\(name): \(type(of: section).help)"] + keys).joined(separator: "\n\n")
  }

  private static func explain(_ key: KeyDeclaration, in section: String) -> String {
    var lines = ["\(section).\(key.name)"]
    lines += wrapped(key.help).map { "  " + $0 }
    lines.append("  expected: \(key.expectation)")
    lines.append("  default:  \(key.defaultValue?.text() ?? "none, the recipe must give it")")
    if !key.otherNames.isEmpty {
      lines.append("  known elsewhere as \(key.otherNames.joined(separator: ", "))")
    }
    return lines.joined(separator: "\n")
  }

  /// `Docs/recipes.md`: the reference of every key.
  package static var markdown: String {
    var page = """
      # The recipe

      A recipe is one JSON file that says everything about a training run. Only `model.path`,
      `data.train` and `output.directory` are required; every other key has a default. Paths are
      relative to the directory that `finetune` is run in. `finetune recipe check FILE` reports all
      problems of a recipe at once, `finetune recipe explain KEY` prints what this page says about a
      key, and `--set section.key=value` changes a key for one run. There are recipes to start from
      in [Recipes/](../Recipes/README.md).

      This page is written by `make docs` from the declarations in `Sources/Recipes`.

      """
    for (name, section) in Recipe().sections {
      page += "\n## `\(name)`\n\n\(type(of: section).help)\n\n"
      page += table(section)
    }
    return page + "\n### Entries of `data.train` and `data.validation`\n\n" + table(DataSource())
  }

  private static func table(_ section: any RecipeSection) -> String {
    "| key | default | value | meaning |\n|---|---|---|---|\n"
      + section.declarations.map(row).joined()
  }

  private static func row(_ key: KeyDeclaration) -> String {
    let cells = [
      "`\(key.name)`", key.defaultValue.map { "`\($0.text())`" } ?? "*required*",
      key.expectation, key.help,
    ]
    let escaped = cells.map { cell in
      cell.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
    return "| \(escaped.joined(separator: " | ")) |\n"
  }

  /// Lines of at most 76 characters.
  private static func wrapped(_ text: String) -> [String] {
    text.split(separator: " ").reduce(into: [""]) { lines, word in
      let last = lines.count - 1
      if lines[last].isEmpty {
        lines[last] = String(word)
      } else if lines[last].count + word.count < 76 {
        lines[last] += " " + word
      } else {
        lines.append(String(word))
      }
    }
  }
}
