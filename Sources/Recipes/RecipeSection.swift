package import Formats

/// A JSON object whose members are declared with `@Key`.
package protocol RecipeSection {
  init()
  /// What the section is about, for the documentation.
  static var help: String { get }
}

extension RecipeSection {
  /// The keys in declaration order, under their JSON names.
  var keys: [(name: String, key: any RecipeKey)] {
    Mirror(reflecting: self).children.compactMap { child in
      // The storage of a wrapped property is called "_" and the property's name.
      guard let label = child.label, let key = child.value as? any RecipeKey else { return nil }
      return (snakeCase(label.dropFirst()), key)
    }
  }

  var declarations: [KeyDeclaration] { keys.map { $0.key.declaration($0.name) } }

  /// Every key with its value.
  package var json: JSON { .object(JSONObject(keys.map { ($0.name, $0.key.json) })) }

  /// Reads the section in place and collects every problem. `place` is what stands before the keys in
  /// a sentence: `adapter`, `data.train[0]`.
  func read(_ object: JSONObject, at place: String, problems: inout [String]) {
    let keys = keys
    var seen: [String] = []
    for (name, value) in object.members {
      let here = "\(place).\(shown(name))"
      guard let (known, key) = keys.first(where: { sameBytes($0.name, name) }) else {
        problems.append(
          "\(here): unknown key" + keySuggestion(for: name, in: place, keys: declarations))
        continue
      }
      if seen.contains(known) {
        problems.append("\(here): found twice, expected once; remove one of them")
        continue
      }
      seen.append(known)
      key.read(value, at: here, problems: &problems)
    }
    for missing in declarations where missing.isRequired && !seen.contains(missing.name) {
      problems.append("\(place).\(missing.name): missing, expected \(missing.expectation)")
    }
  }
}

/// Swift's own `==` calls different byte sequences equal (canonical equivalence).
func sameBytes(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

/// A key from a file, short and printable.
func shown(_ key: String) -> String {
  let quoted = JSON.string(String(key.prefix(60))).text()
  return String(quoted.dropFirst().dropLast()) + (key.count > 60 ? "…" : "")
}

/// `gradientAccumulationSteps` -> `gradient_accumulation_steps`.
private func snakeCase(_ name: some StringProtocol) -> String {
  var key = ""
  for letter in name {
    if letter.isUppercase { key += "_" }
    key += letter.lowercased()
  }
  return key
}
