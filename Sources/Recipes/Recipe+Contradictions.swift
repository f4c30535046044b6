import Formats
import Foundation

extension Recipe {
  /// Sentences on values that are fine alone and do not go together.
  var contradictions: [String] {
    var sentences: [String] = []
    if data.validationFraction > 0, !data.validation.isEmpty {
      sentences.append(
        "data.validation_fraction: found \(data.validationFraction.json.text()) as well as files "
          + "in data.validation, expected only one of them; remove one")
    }
    for (part, sources) in [("train", data.train), ("validation", data.validation)] {
      for (index, source) in sources.enumerated() {
        sentences += source.faults(at: "data.\(part)[\(index)]")
        sentences += source.mixingFaults(at: "data.\(part)[\(index)]", isTrained: part == "train")
      }
    }
    sentences += data.nameFaults
    for (index, held) in data.validation.enumerated() where !held.path.isEmpty {
      guard data.train.contains(where: { isSameFile($0.path, held.path) }) else { continue }
      sentences.append(
        "data.validation[\(index)].path: found \(held.path.json.text()), which is in data.train "
          + "too, expected rows that are never trained on; name another file or use "
          + "data.validation_fraction")
    }
    return sentences
  }

  /// Whether two paths lead to one file, however they are spelled.
  private func isSameFile(_ a: String, _ b: String) -> Bool {
    func resolved(_ path: String) -> String {
      URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
    }
    return sameBytes(resolved(a), resolved(b))
  }
}
