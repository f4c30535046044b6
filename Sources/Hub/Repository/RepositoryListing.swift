import Formats

/// A file of a repository as the hub lists it.
struct RepositoryFile: Sendable, Equatable {
  let path: String
  /// Bytes; nil where a hub does not say.
  var size: Int?
  /// What the cache calls the contents: the SHA-256 of a large file, the git SHA-1 of a small one.
  var blob: String?
}

/// The commit that a revision is of now, and its files.
struct RepositoryListing: Sendable {
  let commit: String
  let files: [RepositoryFile]

  private static let mostFiles = 1_000_000

  /// Asks the hub.
  ///
  /// - Throws: A `Problem` with what to do where there is no such repository or no access to it.
  init(_ name: HubName, client: HubClient) throws {
    let url = HubAddress.api(name, client.settings) + "?blobs=true"
    let (answer, bytes) = try client.fetch(url)
    guard answer.head.isSuccess else {
      let code = answer.fieldFromHome("x-error-code") ?? ""
      let isMissing =
        [401, 404].contains(answer.head.status) && ["", "RepoNotFound"].contains(code)
      let hint = isMissing ? Self.suggestion(for: name, client) : ""
      throw answer.problem(name, settings: client.settings, hint: hint)
    }
    try self.init(try Self.json(bytes, answer, url), place: name.description)
  }

  /// Reads what the hub answers about a repository.
  init(_ json: JSON, place: String) throws(Problem) {
    guard let commit = json["sha"]?.string, HubName.isCommit(commit) else {
      throw Problem(
        place, "the hub's answer names no commit; check that HF_ENDPOINT is a hub", kind: .run)
    }
    let siblings = json["siblings"]?.array ?? []
    guard siblings.count <= Self.mostFiles else {
      throw Problem(place, "the repository has \(siblings.count) files, which is too many")
    }
    self.commit = commit
    var files: [RepositoryFile] = []
    for sibling in siblings { files.append(try Self.file(sibling, place)) }
    self.files = files
  }

  private static func file(_ json: JSON, _ place: String) throws(Problem) -> RepositoryFile {
    guard let path = json["rfilename"]?.string, RepositoryPath.isSafe(path) else {
      let shown = (json["rfilename"]?.string ?? "").prefix(80)
      throw Problem(
        place,
        "it lists a file \(JSON.string(String(shown)).text()), which leads out of its folder or is"
          + " no name; do not use this repository")
    }
    let lfs = json["lfs"]
    let size = lfs?["size"] ?? json["size"]
    if let size, !size.isNull {
      guard let count = size.integer, (0...1 << 50).contains(count) else {
        throw Problem(
          place, "its file \(path) has an impossible size; do not use this repository")
      }
    }
    let blob = lfs?["sha256"]?.string ?? (lfs?.object == nil ? json["blobId"]?.string : nil)
    return RepositoryFile(
      path: path, size: size?.integer,
      blob: blob.flatMap {
        ContentChecksum(named: $0, byteCount: 0) == nil ? nil : $0.lowercased()
      })
  }

  private static func json(
    _ bytes: [UInt8], _ answer: HubClient.Answer, _ url: String
  ) throws(Problem) -> JSON {
    do throws(JSONSyntaxError) {
      return try JSONParser.parse(bytes)
    } catch {
      let type = answer.head["content-type"].map { " but \($0.prefix(60))" } ?? ""
      throw Problem(
        url,
        "the answer is no JSON\(type); a proxy, a login page or another server may stand where"
          + " HF_ENDPOINT says the hub is", kind: .run)
    }
  }

  /// The repository that was likely meant, from the hub's own search.
  private static func suggestion(for name: HubName, _ client: HubClient) -> String {
    let url = HubAddress.search(name, client.settings)
    guard let (answer, bytes) = try? client.fetch(url), answer.head.isSuccess,
      let found = try? JSONParser.parse(bytes)
    else { return "" }
    let known = (found.array ?? []).prefix(100)
      .compactMap { $0["id"]?.string ?? $0["modelId"]?.string }
      .filter { HubName($0) != nil }
    let own = known.first { $0.lowercased().hasSuffix("/" + name.name.lowercased()) }
    guard let near = nearest(to: name.id, among: known) ?? own, near != name.id else { return "" }
    return "; did you mean \"\(near)\"?"
  }
}

/// Addresses of the hub.
enum HubAddress {
  static func api(_ name: HubName, _ settings: HubSettings) -> String {
    let revision = RepositoryPath.encoded(name.revision, keepingSlashes: false)
    return "\(settings.endpoint)/api/\(name.kind.rawValue)s/\(name.id)/revision/\(revision)"
  }

  static func search(_ name: HubName, _ settings: HubSettings) -> String {
    let word = RepositoryPath.encoded(name.name, keepingSlashes: false)
    return "\(settings.endpoint)/api/\(name.kind.rawValue)s?search=\(word)&limit=50"
  }

  static func file(
    _ path: String, of name: HubName, commit: String, _ settings: HubSettings
  ) -> String {
    let folder = name.kind == .dataset ? "/datasets" : ""
    let path = RepositoryPath.encoded(path)
    return "\(settings.endpoint)\(folder)/\(name.id)/resolve/\(commit)/\(path)"
  }
}
