package import Formats

/// Everything a training run is told: one JSON file, one level of sections, every key declared once
/// (see `Key`).
package struct Recipe {
  package var model = ModelSection()
  package var adapter = AdapterSection()
  package var data = DataSection()
  package var training = TrainingSection()
  package var evaluation = EvaluationSection()
  package var checkpoint = CheckpointSection()
  package var output = OutputSection()

  /// Every key at its default; required keys are empty.
  package init() {}

  /// The sections in the order of their declaration.
  var sections: [(name: String, section: any RecipeSection)] {
    Mirror(reflecting: self).children.compactMap { child in
      guard let name = child.label, let section = child.value as? any RecipeSection else {
        return nil
      }
      return (name, section)
    }
  }

  /// The resolved recipe: every key with its value, in the order of declaration. Reading it back
  /// gives the same recipe.
  package var json: JSON { .object(JSONObject(sections.map { ($0.name, $0.section.json) })) }

  /// Sentences on every key that must not differ when a run goes on; empty where this recipe may
  /// resume what `saved` began.
  package func conflicts(withSaved saved: Recipe) -> [String] {
    zip(sections, saved.sections).flatMap { mine, theirs in
      zip(mine.section.keys, theirs.section.keys).compactMap { key, old in
        guard key.key.json != old.key.json, !key.key.declaration(key.name).isFreeOnResume else {
          return nil
        }
        return "\(mine.name).\(key.name): found \(key.key.json.text()), expected "
          + "\(old.key.json.text()), which the run began with; a resumed run keeps it"
      }
    }
  }
}
