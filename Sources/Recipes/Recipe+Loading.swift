package import Formats

extension Recipe {
  /// Reads a recipe file and applies `overrides`, each "section.key=value".
  ///
  /// Every problem of the recipe is reported, not only the first one.
  package static func load(path: String, overrides: [String] = []) throws(Problem) -> Recipe {
    try Recipe(json: try readJSON(path), source: path, overrides: overrides)
  }

  /// Reads a parsed recipe; `source` is what the sentences call it, the name of its file.
  package init(json: JSON, source: String, overrides: [String] = []) throws(Problem) {
    guard var tree = json.object else {
      throw Problem(
        source, "found \(json.kindName), expected an object with the sections \(Self.sectionNames)")
    }
    self.init()
    var problems: [String] = []
    let overridden = Self.apply(overrides, to: &tree, problems: &problems)
    read(tree, problems: &problems)
    problems += contradictions
    guard !problems.isEmpty else { return }
    problems = problems.map { Self.marked($0, overridden: overridden) }
    if problems.count == 1 { throw Problem(source, problems[0]) }
    throw Problem(heading: source, problems: problems)
  }

  private static var sectionNames: String {
    Recipe().sections.map { "\"\($0.name)\"" }.joined(separator: ", ")
  }

  private func read(_ tree: JSONObject, problems: inout [String]) {
    var seen: [String] = []
    for (name, value) in tree.members {
      // Editors find the schema of a file through this member.
      if sameBytes(name, "$schema") { continue }
      guard let (known, section) = sections.first(where: { sameBytes($0.name, name) }) else {
        problems.append("\(shown(name)): unknown section" + sectionSuggestion(for: name))
        continue
      }
      if seen.contains(known) {
        problems.append("\(known): found twice, expected once; put all its keys into one section")
        continue
      }
      seen.append(known)
      guard let object = value.object else {
        problems.append("\(known): found \(value.kindName), expected an object with its keys")
        continue
      }
      section.read(object, at: known, problems: &problems)
    }
    for (name, section) in sections where !seen.contains(name) {
      section.read(JSONObject(), at: name, problems: &problems)
    }
  }

  // MARK: Overrides

  /// Writes each override into the tree, so that it passes the same checks as the file, and returns
  /// the keys that were set.
  private static func apply(
    _ overrides: [String], to tree: inout JSONObject, problems: inout [String]
  ) -> [String] {
    overrides.compactMap { override in
      let parts = override.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let path = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, path.count == 2, path.allSatisfy({ !$0.isEmpty }) else {
        let meant = path.count == 1 ? Recipe().sectionSuggestion(for: path[0]) : ""
        problems.append(
          "--set \(shown(override)): expected section.key=value, for example adapter.rank=16"
            + meant)
        return nil
      }
      let (section, key) = (path[0], path[1])
      let text = String(parts[1])
      // A section that is no object stays as it is: reading it tells the user.
      if var object = tree[section].map(\.object) ?? JSONObject() {
        object[key] = value(text, of: section, key)
        tree[section] = .object(object)
      }
      return "\(section).\(key)"
    }
  }

  /// The text as JSON where it is JSON, else as a string. Keys that hold text take any text, so a
  /// directory may be called 2026.
  private static func value(_ text: String, of section: String, _ key: String) -> JSON {
    guard let json = try? JSONParser.parse(text) else { return .string(text) }
    let declaration = Recipe().sections.first { sameBytes($0.name, section) }?
      .section.declarations.first { sameBytes($0.name, key) }
    guard let declaration, declaration.takesText else { return json }
    switch json {
    case .integer, .number, .bool: return .string(text)
    default: return json
    }
  }

  /// Says that a sentence is about an override and not about the file.
  private static func marked(_ sentence: String, overridden: [String]) -> String {
    let isOverridden = overridden.contains { key in
      [":", "[", "."].contains { sentence.hasPrefix(key + $0) }
    }
    return isOverridden ? "--set " + sentence : sentence
  }
}
