import Formats

/// A repository of the hub as a person names it: `OWNER/NAME[@REVISION][:FILE]`; a data set has
/// `datasets/` in front.
package struct HubName: Sendable, Equatable, CustomStringConvertible {
  package enum Kind: String, Sendable { case model, dataset }

  package let kind: Kind
  package let owner: String
  package let name: String
  /// A branch, a tag or a commit.
  package private(set) var revision: String
  /// One file of the repository, or the quantization that is in a GGUF file's name, such as `Q4_K_M`.
  package let file: String?

  package static let defaultRevision = "main"
  private static let datasetPrefix = "datasets/"

  /// What the hub's addresses call the repository.
  package var id: String { "\(owner)/\(name)" }

  package var description: String {
    (kind == .dataset ? Self.datasetPrefix : "") + id
      + (revision == Self.defaultRevision ? "" : "@\(revision)")
      + (file.map { ":\($0)" } ?? "")
  }

  /// The same repository at a commit.
  package func at(commit: String) -> HubName {
    var name = self
    name.revision = commit
    return name
  }

  /// Reads a name; nil where the text has another shape, as a path has.
  package init?(_ text: String, kind: Kind = .model) {
    let isDataset = text.hasPrefix(Self.datasetPrefix)
    var rest = Substring(isDataset ? String(text.dropFirst(Self.datasetPrefix.count)) : text)
    let repository = rest.prefix { $0 != "@" && $0 != ":" }
    rest = rest.dropFirst(repository.count)

    var revision: Substring?
    if rest.first == "@" {
      let word = rest.dropFirst().prefix { $0 != ":" }
      guard Self.isRevision(word) else { return nil }
      revision = word
      rest = rest.dropFirst(1 + word.count)
    }
    var file: String?
    if rest.first == ":" {
      file = String(rest.dropFirst())
      guard let file, RepositoryPath.isSafe(file) else { return nil }
    }
    let parts = repository.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ Self.isPart($0) }) else { return nil }
    // A model's file is on this machine or nowhere.
    let isFile = [".gguf", ".safetensors", ".json", ".jsonl", ".bin", ".txt"].contains {
      parts[1].hasSuffix($0)
    }
    guard !isFile else { return nil }
    self.kind = isDataset ? .dataset : kind
    self.owner = String(parts[0])
    self.name = String(parts[1])
    self.revision = revision.map(String.init) ?? Self.defaultRevision
    self.file = file
  }

  /// The hub's rule for names; `--` separates their parts in the cache folder.
  private static func isPart(_ part: Substring) -> Bool {
    guard (1...96).contains(part.utf8.count), !part.contains("--"), !part.contains("..") else {
      return false
    }
    guard let first = part.utf8.first, let last = part.utf8.last,
      ![first, last].contains(UInt8(ascii: ".")), ![first, last].contains(UInt8(ascii: "-"))
    else { return false }
    return part.utf8.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
  }

  /// What git takes as the name of a branch or a tag, without what would leave the folder of references.
  private static func isRevision(_ word: Substring) -> Bool {
    guard (1...200).contains(word.utf8.count), word.utf8.first != UInt8(ascii: "-") else {
      return false
    }
    let isPlain = word.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"~^:?*[\\".utf8.contains($0) }
    return isPlain && RepositoryPath.isSafe(String(word))
      && !word.split(separator: "/").contains { $0.hasPrefix(".") || $0.hasSuffix(".lock") }
  }

  /// Whether a revision is a whole commit already, which never changes.
  package static func isCommit(_ revision: String) -> Bool {
    revision.utf8.count == 40
      && revision.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
  }
}

func isAlphanumeric(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"):
    true
  default: false
  }
}
