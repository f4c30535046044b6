package import Formats
import Foundation
import Synchronization

/// What a hub does, on 127.0.0.1: lists of files, files, redirections to a store that has another name
/// (`localhost`), errors with their codes. A test may answer single requests itself.
package final class HubImitation: Sendable {
  package typealias Request = LocalServer.Request
  package typealias Reply = LocalServer.Reply

  package struct Repository: Sendable {
    package var commit: String
    package var files: [String: [UInt8]]
    /// Files kept outside of git, which are sent from the store.
    package var large: Set<String>
    package var revisions: Set<String> = ["main"]
    /// A repository whose files need this token.
    package var gate: String?
    /// Whether the list says how large files are and what is in them.
    package var listsBlobs = true

    package init(commit: String, files: [String: [UInt8]], large: Set<String> = []) {
      self.commit = commit
      self.files = files
      self.large = large
    }
  }

  private struct State: Sendable {
    /// By the path in addresses: `OWNER/NAME`, `datasets/OWNER/NAME`.
    var repositories: [String: Repository] = [:]
    var special: (@Sendable (Request) -> Reply?)?
  }

  private let state: Shared
  private let hub: LocalServer
  private let store: LocalServer

  private final class Shared: Sendable {
    let contents = Mutex(State())
  }

  package var url: String { hub.url }
  package var storeURL: String { store.url }
  package var requests: [Request] { hub.requests }
  package var storeRequests: [Request] { store.requests }

  package init() throws {
    let state = Shared()
    self.state = state
    let store = try LocalServer(host: "localhost") { request in
      let (special, repositories) = state.contents.withLock {
        ($0.special, Array($0.repositories.values))
      }
      return special?(request) ?? Self.stored(request, repositories)
    }
    self.store = store
    hub = try LocalServer { [storeURL = store.url] request in
      let (special, repositories) = state.contents.withLock { ($0.special, $0.repositories) }
      return special?(request) ?? Self.answer(request, repositories, storeURL)
    }
  }

  package func add(_ repository: Repository, as path: String) {
    state.contents.withLock { $0.repositories[path] = repository }
  }

  /// Answers requests to hub and store before they do; nil leaves the request to them.
  package func answer(_ special: @escaping @Sendable (Request) -> Reply?) {
    state.contents.withLock { $0.special = special }
  }

  package func close() {
    hub.close()
    store.close()
  }

  // MARK: Contents

  package static func sha256(_ bytes: [UInt8]) -> String {
    checksum(String(repeating: "0", count: 64), bytes)
  }

  package static func gitSHA1(_ bytes: [UInt8]) -> String {
    checksum(String(repeating: "0", count: 40), bytes)
  }

  private static func checksum(_ form: String, _ bytes: [UInt8]) -> String {
    let checksum = ContentChecksum(named: form, byteCount: bytes.count)
    bytes.withUnsafeBytes { checksum?.update($0) }
    return checksum?.actual ?? ""
  }

  // MARK: The hub

  private static func answer(
    _ request: Request, _ repositories: [String: Repository], _ storeURL: String
  ) -> Reply {
    let path = request.target.split(separator: "?")[0].removingPercentEncoding ?? ""
    if path.hasPrefix("/api/") {
      return list(request, String(path.dropFirst(5)), repositories)
    }
    for (name, repository) in repositories where path.hasPrefix("/\(name)/resolve/") {
      let rest = path.dropFirst(name.count + 10)
      guard let slash = rest.firstIndex(of: "/") else { break }
      let file = String(rest[rest.index(after: slash)...])
      return send(request, file, String(rest[..<slash]), repository, storeURL)
    }
    return Reply(401, [("X-Error-Code", "RepoNotFound")])
  }

  private static func list(
    _ request: Request, _ path: String, _ repositories: [String: Repository]
  ) -> Reply {
    if request.target.contains("?search=") {
      let found = repositories.keys.sorted().map { "{\"id\":\"\($0)\"}" }
      return Reply(200, text: "[\(found.joined(separator: ","))]")
    }
    for (name, repository) in repositories {
      let prefix = (name.hasPrefix("datasets/") ? name : "models/\(name)") + "/revision/"
      guard path.hasPrefix(prefix) else { continue }
      let revision = String(path.dropFirst(prefix.count))
      guard repository.revisions.contains(revision) || revision == repository.commit else {
        return Reply(404, [("X-Error-Code", "RevisionNotFound")])
      }
      return Reply(200, text: listing(repository).text())
    }
    return Reply(401, [("X-Error-Code", "RepoNotFound")])
  }

  /// What the hub answers about a repository.
  package static func listing(_ repository: Repository) -> JSON {
    let siblings = repository.files.sorted { $0.key < $1.key }.map { path, bytes -> JSON in
      guard repository.listsBlobs else { return ["rfilename": .string(path)] }
      var sibling: JSON = [
        "rfilename": .string(path), "size": .integer(bytes.count),
        "blobId": .string(gitSHA1(bytes)),
      ]
      if repository.large.contains(path) {
        sibling.set(
          "lfs", ["sha256": .string(sha256(bytes)), "size": .integer(bytes.count)])
      }
      return sibling
    }
    return ["sha": .string(repository.commit), "siblings": .array(siblings)]
  }

  private static func send(
    _ request: Request, _ file: String, _ revision: String, _ repository: Repository,
    _ storeURL: String
  ) -> Reply {
    var fields = [("X-Repo-Commit", repository.commit)]
    if let gate = repository.gate, request.fields["authorization"] != "Bearer \(gate)" {
      return Reply(
        403, fields + [("X-Error-Code", "GatedRepo"), ("X-Error-Message", "Ask for access.")])
    }
    guard revision == repository.commit || repository.revisions.contains(revision),
      let bytes = repository.files[file]
    else { return Reply(404, fields + [("X-Error-Code", "EntryNotFound")]) }
    guard repository.large.contains(file) else {
      fields.append(("ETag", "\"\(gitSHA1(bytes))\""))
      return part(of: bytes, request, fields)
    }
    let sum = sha256(bytes)
    fields += [
      ("X-Linked-Etag", "\"\(sum)\""), ("X-Linked-Size", "\(bytes.count)"),
      ("Location", "\(storeURL)/blob/\(sum)?signature=1"),
    ]
    return Reply(302, fields, text: "Found")
  }

  /// The rest of the bytes where a range is asked for.
  package static func part(
    of bytes: [UInt8], _ request: Request, _ fields: [(name: String, value: String)] = []
  ) -> Reply {
    guard let range = request.fields["range"], range.hasPrefix("bytes="),
      let start = Int(range.dropFirst(6).prefix { $0 != "-" })
    else { return Reply(200, fields, body: bytes) }
    guard start < bytes.count else { return Reply(416, fields) }
    let field = ("Content-Range", "bytes \(start)-\(bytes.count - 1)/\(bytes.count)")
    return Reply(206, fields + [field], body: Array(bytes[start...]))
  }

  // MARK: The store

  private static func stored(_ request: Request, _ repositories: [Repository]) -> Reply {
    let path = request.target.split(separator: "?")[0]
    for repository in repositories {
      for file in repository.large {
        guard let bytes = repository.files[file], path == "/blob/\(sha256(bytes))" else { continue }
        // A store has its own name for the contents.
        return part(of: bytes, request, [("ETag", "\"store-\(bytes.count)\"")])
      }
    }
    return Reply(404)
  }
}
