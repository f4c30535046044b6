import Formats
import Foundation
import Model
import Recipes
import Rows
import Tensors
import Text

/// `run.json`: what a run was made from and with. A resumed run checks that it is still the same.
package struct RunRecord: Equatable {
  /// SHA-256 by file, in the order of the recipe; those of a folder or a pattern are sorted by path.
  package let data: [Source]
  package let baseFingerprint: String
  package let templateHash: String
  /// Of the files that turn text into tokens.
  package let tokenizerHash: String
  /// Seconds since 1970 that the template shows where it shows a date. A resumed run shows it again.
  package let templateDate: Int
  package let basePath: String
  /// Of the repository that the base is from; nil where it is just a path.
  package let baseCommit: String?

  package struct Source: Equatable {
    package let path: String
    package let sha256: String
  }

  init(recipe: Recipe, base: OpenedModel, checksums: FileChecksums) throws {
    data = try (recipe.data.train + recipe.data.validation).flatMap { source in
      try RowFiles.expand(source.path).map { file in
        Source(path: file, sha256: try checksums.sha256(of: file))
      }
    }
    basePath = base.place.name
    baseCommit = base.place.commit
    baseFingerprint = base.files.fingerprint
    templateHash = SHA256Digest(of: Array(base.template.source.utf8)).hex
    tokenizerHash = try base.tokenizerHash()
    templateDate = base.template.date
  }

  /// The date that the run in `saved` began with.
  static func templateDate(in saved: JSON) -> Int? { saved["template_date"]?.integer }

  /// - Parameters:
  ///   - threads: In use; the result does not depend on them.
  ///   - saved: The record of the run that is continued. It stays as it is; what is different from now on
  ///     is added to it.
  func json(threads: Int, resuming saved: JSON? = nil) -> JSON {
    let environment = Self.environment(threads: threads)
    if var saved {
      let earlier = saved["resumed"]?.array ?? []
      saved.set("resumed", .array(earlier + [.object(environment)]))
      return saved
    }
    return .object(
      JSONObject(
        environment.members + [
          ("base", base),
          ("template_sha256", .string(templateHash)),
          ("tokenizer_sha256", .string(tokenizerHash)),
          ("template_date", .integer(templateDate)),
          (
            "data",
            .array(data.map { ["path": .string($0.path), "sha256": .string($0.sha256)] })
          ),
        ]))
  }

  private var base: JSON {
    var base: JSON = ["path": .string(basePath), "fingerprint": .string(baseFingerprint)]
    if let baseCommit { base.set("commit", .string(baseCommit)) }
    return base
  }

  /// The commit of the base that the run in a directory began with.
  package static func baseCommit(in directory: RunDirectory) -> String? {
    (try? readJSON(directory.run))?["base"]?["commit"]?.string
  }

  /// What a part of a run was computed with, from when on.
  private static func environment(threads: Int) -> JSONObject {
    JSONObject([
      ("finetune_version", .string(Version.current)),
      ("cpu_features", .array(Kernels.cpuFeatures.map(JSON.string))),
      ("kernels", .string(Kernels.cpuLevel)), ("threads", .integer(threads)),
      ("started", .string(Date().formatted(.iso8601))),
    ])
  }

  /// What is different from any earlier part of the run and does no harm, one sentence each.
  static func remarks(since saved: JSON) -> [String] {
    let parts = [saved] + (saved["resumed"]?.array ?? [])
    let others = parts.compactMap { $0["kernels"]?.string }.filter { $0 != Kernels.cpuLevel }
    guard let other = others.first else { return [] }
    let began = saved["kernels"]?.string == other
    return [
      "the run \(began ? "began" : "went on") with kernels for \(other) and goes on with"
        + " \(Kernels.cpuLevel); sums round in another order, so its last bits are not those of a run"
        + " on one machine"
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
    if let old = saved["tokenizer_sha256"]?.string, old != tokenizerHash {
      sentences.append("\(basePath): the tokenizer is not the one that the run began with")
    }
    let old = saved["data"]?.array?.map { $0["sha256"]?.string ?? "" } ?? []
    if saved["data"] != nil, old.count != data.count {
      sentences.append(
        "data: there are \(data.count) files of rows now, and the run began with \(old.count)")
    }
    for (index, source) in data.enumerated() where index < old.count && old[index] != source.sha256
    {
      sentences.append("\(source.path): the file has changed since the run began")
    }
    return sentences
  }
}
