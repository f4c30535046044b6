/// The candidate that was most likely meant by a misspelt word; nil where none is near.
///
/// Upper case and "_", "-" do not count, so `learningRate` is exactly `learning_rate`. Otherwise one
/// slip for every three letters, three at most, is forgiven (a letter too much, missing, wrong, or two
/// swapped).
package func nearest(to word: String, among candidates: [String]) -> String? {
  candidates
    .map { (candidate: $0, distance: spellingDistance(word, $0)) }
    .filter { $0.distance <= forgivenSlips(in: word) }
    .min { $0.distance < $1.distance }?.candidate
}

func forgivenSlips(in word: String) -> Int { max(1, min(word.utf8.count / 3, 3)) }

/// Optimal string alignment distance (Damerau 1964, restricted to one edit a substring) of the
/// letters and digits of two words.
func spellingDistance(_ a: String, _ b: String) -> Int {
  let (a, b) = (letters(a), letters(b))
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        best = min(best, beforeLast[j - 1] + 1)
      }
      row.append(best)
    }
    (beforeLast, last) = (last, row)
  }
  return last[b.count]
}

private func letters(_ word: String) -> [UInt8] {
  // Hostile keys may be megabytes long; no key that we know is longer than this.
  word.utf8.prefix(64).compactMap { byte in
    switch byte {
    case UInt8(ascii: "_"), UInt8(ascii: "-"): nil
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
    default: byte
    }
  }
}

// MARK: - Recipe keys

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
