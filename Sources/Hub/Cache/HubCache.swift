import Formats
import Foundation

/// The folder of downloads that all programs of a machine share, laid out as `huggingface_hub` has it:
///
/// ```
/// models--OWNER--NAME/refs/REVISION              the commit, as text
/// models--OWNER--NAME/blobs/CHECKSUM             contents
/// models--OWNER--NAME/snapshots/COMMIT/PATH      -> ../../blobs/CHECKSUM
/// .locks/models--OWNER--NAME/CHECKSUM.lock       held (flock) while the blob is being made
/// ```
package struct HubCache: Sendable {
  package let root: String

  package init(_ root: String) { self.root = root }

  func folder(_ name: HubName) -> String { "\(root)/\(folderName(name))" }

  private func folderName(_ name: HubName) -> String {
    "\(name.kind.rawValue)s--\(name.owner)--\(name.name)"
  }

  func blobPath(_ name: HubName, _ blob: String) -> String { "\(folder(name))/blobs/\(blob)" }

  func snapshot(_ name: HubName, _ commit: String) -> String {
    "\(folder(name))/snapshots/\(commit)"
  }

  func lockPath(_ name: HubName, _ blob: String) -> String {
    "\(root)/.locks/\(folderName(name))/\(blob).lock"
  }

  /// The commit that a revision was of when it was last looked at.
  func commit(_ name: HubName) -> String? {
    if HubName.isCommit(name.revision) { return name.revision }
    guard let bytes = try? readFile(referencePath(name)), bytes.count < 100 else { return nil }
    let text = String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self)
    return HubName.isCommit(text) ? text : nil
  }

  /// Remembers what a revision is of now. A commit needs no such note.
  func setCommit(_ commit: String, for name: HubName) throws {
    guard name.revision != commit, self.commit(name) != commit else { return }
    let path = referencePath(name)
    try createDirectory(parentDirectory(of: path))
    // A name of its own, so that two processes do not write into one file.
    let temporary = "\(path).\(UUID().uuidString.prefix(8)).tmp"
    try writeFile(temporary, commit)
    guard rename(temporary, path) == 0 else { throw cannotWrite(path) }
  }

  private func referencePath(_ name: HubName) -> String {
    "\(folder(name))/refs/\(name.revision)"
  }

  /// Lets a path of a snapshot lead to a blob.
  func link(_ path: String, to blob: String, in name: HubName, commit: String) throws {
    let link = "\(snapshot(name, commit))/\(path)"
    try createDirectory(parentDirectory(of: link))
    let depth = path.utf8.count { $0 == UInt8(ascii: "/") }
    let target = String(repeating: "../", count: 2 + depth) + "blobs/\(blob)"
    if symlink(target, link) == 0 { return }
    guard errno == EEXIST else { throw cannotWrite(link) }
    if (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) == target { return }
    let temporary = "\(link).\(UUID().uuidString.prefix(8)).tmp"
    guard symlink(target, temporary) == 0, rename(temporary, link) == 0 else {
      throw cannotWrite(link)
    }
  }

  /// Marks the folder for backup programs as one that can be made again (bford.info/cachedir).
  func mark() throws {
    try createDirectory(root)
    let tag = "\(root)/CACHEDIR.TAG"
    guard !fileExists(tag) else { return }
    try writeFile(
      tag, "Signature: 8a477f597d28d172789f06886806bc55\n# Downloads from a model hub.\n")
  }

  private func cannotWrite(_ path: String) -> Problem {
    Problem(
      path,
      "cannot be written (\(String(cString: strerror(errno)))); name another folder in HF_HUB_CACHE",
      kind: .run)
  }
}

/// Bytes of a file, following links; nil where there is none.
func fileSize(_ path: String) -> Int? {
  var status = stat()
  guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
  return Int(status.st_size)
}
