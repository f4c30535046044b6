import Formats

extension Recipe {
  /// Sentences on values that are fine alone and do not go together.
  var contradictions: [String] {
    computeTypeContradictions + validationContradictions
  }

  private var computeTypeContradictions: [String] {
    guard model.computeDtype == .bfloat16 else { return [] }
    return [
      "model.compute_dtype: found \"bfloat16\", expected \"float32\", the type that this version "
        + "computes in; write \"float32\" or leave the key out"
    ]
  }

  private var validationContradictions: [String] {
    var sentences: [String] = []
    if data.validationFraction > 0, !data.validation.isEmpty {
      sentences.append(
        "data.validation_fraction: found \(data.validationFraction.json.text()) beside files in "
          + "data.validation, expected only one of them; remove one")
    }
    for (index, held) in data.validation.enumerated() where !held.path.isEmpty {
      guard data.train.contains(where: { sameBytes($0.path, held.path) }) else { continue }
      sentences.append(
        "data.validation[\(index)].path: found \(held.path.json.text()), which data.train holds as "
          + "well, expected rows that are never trained on; name another file or use "
          + "data.validation_fraction")
    }
    return sentences
  }
}
