import Formats
import Foundation
import Model
import Recipes
import Tensors
import Text

/// `run.json`: what a run was made from and with. A resumed run checks that it is still the same.
package struct RunRecord: Equatable {
  /// SHA-256 by file, in the order of the recipe.
  package let data: [Source]
  package let baseFingerprint: String
  package let templateHash: String
  /// Seconds since 1970 that the template shows where it shows a date. A resumed run shows it again.
  package let templateDate: Int
  package let basePath: String

  package struct Source: Equatable {
    package let path: String
    package let sha256: String
  }

  init(recipe: Recipe, base: OpenedModel) throws {
    data = try (recipe.data.train + recipe.data.validation).map { source in
      Source(path: source.path, sha256: try SHA256Digest(ofFile: source.path).hex)
    }
    basePath = base.path
    baseFingerprint = base.files.fingerprint
    templateHash = SHA256Digest(of: Array(base.template.source.utf8)).hex
    templateDate = base.template.date
  }

  /// The date that the run in `saved` began with.
  static func templateDate(in saved: JSON) -> Int? { saved["template_date"]?.integer }

  /// - Parameter threads: In use; the result does not depend on them.
  func json(threads: Int) -> JSON {
    [
      "finetune_version": .string(Version.current),
      "cpu_features": .array(Kernels.cpuFeatures.map(JSON.string)),
      "kernels": .string(Kernels.cpuLevel),
      "threads": .integer(threads),
      "started": .string(Date().formatted(.iso8601)),
      "base": ["path": .string(basePath), "fingerprint": .string(baseFingerprint)],
      "template_sha256": .string(templateHash),
      "template_date": .integer(templateDate),
      "data": .array(
        data.map { ["path": .string($0.path), "sha256": .string($0.sha256)] }),
    ]
  }

  /// What is different since the run began and does no harm, one sentence each.
  static func remarks(since saved: JSON) -> [String] {
    guard let old = saved["kernels"]?.string, old != Kernels.cpuLevel else { return [] }
    return [
      "the run began with kernels for \(old) and goes on with \(Kernels.cpuLevel); sums round in another"
        + " order, so its last bits are not those of a run on one machine"
    ]
  }

  /// What changed since the run began, one sentence each.
  func changes(since saved: JSON) -> [String] {
    var sentences: [String] = []
    if let old = saved["base"]?["fingerprint"]?.string, old != baseFingerprint {
      sentences.append("\(basePath): the base model is not the one that the run began with")
    }
    if let old = saved["template_sha256"]?.string, old != templateHash {
      sentences.append("\(basePath): the chat template is not the one that the run began with")
    }
    let old = saved["data"]?.array?.map { $0["sha256"]?.string ?? "" } ?? []
    for (index, source) in data.enumerated() where index < old.count && old[index] != source.sha256
    {
      sentences.append("\(source.path): the file has changed since the run began")
    }
    return sentences
  }
}
