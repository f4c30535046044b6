import Formats

extension DataSource {
  /// What does not go together in how often the rows are seen, as sentences.
  func mixingFaults(at place: String, isTrained: Bool) -> [String] {
    let weight = weight.map { ("weight", $0.json.text()) }
    let samples = samples.map { ("samples", $0.json.text()) }
    let given = [weight, samples].compactMap { $0 }
    guard isTrained else {
      return given.map { key, value in
        "\(place).\(key): found \(value), expected none, for all held-out rows are measured; remove it"
      }
    }
    guard given.count == 2, let weight, let samples else { return [] }
    return [
      "\(place).samples: found \(samples.1) as well as a weight of \(weight.1), expected only one of them; "
        + "remove one"
    ]
  }
}

extension DataSection {
  /// Names that stand twice in a list, as sentences.
  var nameFaults: [String] {
    [("train", train), ("validation", validation)].flatMap { part, sources in
      sources.indices.compactMap { index -> String? in
        guard let name = sources[index].name,
          sources[..<index].contains(where: { $0.name.map { sameBytes($0, name) } ?? false })
        else { return nil }
        return
          "data.\(part)[\(index)].name: found \(name.json.text()) again, expected a name of its own; "
          + "rename one"
      }
    }
  }

  /// What the sources of a list are called, each otherwise: by their name, else by their file's, where that
  /// is taken by their path.
  package static func names(_ sources: [DataSource]) -> [String] {
    names(sources.map { ($0.name, $0.path) })
  }

  /// The same for files without a recipe.
  package static func names(ofFiles paths: [String]) -> [String] { names(paths.map { (nil, $0) }) }

  private static func names(_ sources: [(name: String?, path: String)]) -> [String] {
    var taken: [String] = sources.compactMap(\.name)
    return sources.map { name, path in
      if let name { return name }
      let own = [lastPathComponent(path), path] + (2...sources.count + 2).map { "\(path) (\($0))" }
      let free = own.first { name in !taken.contains { sameBytes($0, name) } } ?? path
      taken.append(free)
      return free
    }
  }
}
