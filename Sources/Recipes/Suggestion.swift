import Formats

/// A key of the whole recipe, for suggestions across sections.
private struct Candidate {
  let section: String
  let declaration: KeyDeclaration

  /// How far the key, or one of its names in other tools, is from a word.
  func distance(to word: String) -> Int {
    let isKnownElsewhere = declaration.otherNames.contains { spellingDistance($0, word) == 0 }
    return isKnownElsewhere ? 0 : spellingDistance(declaration.name, word)
  }
}

/// The end of a sentence about an unknown key: "; did you mean "alpha"?", with the section where the
/// key belongs elsewhere, or nothing.
func keySuggestion(for word: String, in place: String, keys: [KeyDeclaration]) -> String {
  let here = keys.map { Candidate(section: place, declaration: $0) }
  let elsewhere = Recipe().sections
    .filter { $0.name != place }
    .flatMap { name, section in
      section.declarations.map { Candidate(section: name, declaration: $0) }
    }
  // A misspelling is looked for where it stands; another section must have the very word.
  let near = here.filter { $0.distance(to: word) <= forgivenSlips(in: word) }
  let exact = elsewhere.filter { $0.distance(to: word) == 0 }
  guard let best = (near + exact).min(by: { $0.distance(to: word) < $1.distance(to: word) })
  else {
    guard (1...8).contains(here.count) else { return "" }
    return ", expected \(list(keys.map { "\"\($0.name)\"" }))"
  }
  let name = best.declaration.name
  return "; did you mean \"\(best.section == place ? name : "\(best.section).\(name)")\"?"
}

extension Recipe {
  /// The same for a section, or for a key that stands outside of its section.
  func sectionSuggestion(for word: String) -> String {
    let names = sections.map(\.name)
    let isSection = names.contains { spellingDistance($0, word) == 0 }
    let key = isSection ? "" : keySuggestion(for: word, in: "", keys: [])
    if !key.isEmpty { return key }
    if let name = nearest(to: word, among: names) { return "; did you mean \"\(name)\"?" }
    return ", expected \(list(names.map { "\"\($0)\"" }))"
  }
}
