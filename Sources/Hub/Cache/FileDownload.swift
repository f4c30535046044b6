import Formats

/// Gets one file of a repository into the cache, whole and checked.
struct FileDownload {
  let name: HubName
  let commit: String
  let path: String
  let size: Int
  let blob: String
  let cache: HubCache
  /// Also compares the checksum of what is there already.
  let verifies: Bool

  private var place: String { "\(name): \(path)" }

  /// - Parameter counted: Gets every change of the number of bytes that are there.
  func run(
    _ client: HubClient, isCancelled: @escaping () -> Bool, counted: @escaping (Int) -> Void
  ) throws {
    let destination = cache.blobPath(name, blob)
    try createDirectory(parentDirectory(of: destination))
    let lock = try CacheLock(cache.lockPath(name, blob), isCancelled: isCancelled) {
      client.retries.note("\(place): another download of it is going on; waiting for that")
    }
    defer { withExtendedLifetime(lock) {} }
    if try isThere(destination) {
      counted(size)
    } else {
      try download(to: destination, client, counted)
    }
    try cache.link(path, to: blob, in: name, commit: commit)
  }

  /// Whether the blob is there; a damaged one is removed.
  private func isThere(_ destination: String) throws(Problem) -> Bool {
    guard let there = fileSize(destination) else {
      // A link of another program's that leads nowhere, for example.
      try removeTree(destination)
      return false
    }
    var isWhole = there == size
    if isWhole, verifies, let checksum = ContentChecksum(named: blob, byteCount: size) {
      try checksum.update(withFile: destination)
      isWhole = checksum.matches
    }
    if !isWhole { try removeTree(destination) }
    return isWhole
  }

  private func download(
    to destination: String, _ client: HubClient, _ counted: @escaping (Int) -> Void
  ) throws {
    let file = try IncompleteFile(
      destination + ".incomplete", blob: blob, size: size, counted: counted)
    try fill(file, client)
    if file.wrongChecksum != nil, file.inherited > 0 {
      client.retries.note("\(place): what an earlier run left is damaged; starting this file over")
      try file.restart()
      try fill(file, client)
    }
    if let found = file.wrongChecksum {
      file.discard()
      throw Problem(
        place,
        "its checksum is \(found), expected \(blob); it was damaged on the way and is not kept: try again",
        kind: .run)
    }
    try file.commit(to: destination)
  }

  private func fill(_ file: IncompleteFile, _ client: HubClient) throws {
    try client.retries.run(place, progress: { file.count }) {
      if file.count < size { try ask(client, for: file) }
    }
  }

  /// One request for the rest of the file.
  private func ask(_ client: HubClient, for file: IncompleteFile) throws {
    var request = HTTPRequest(
      url: HubAddress.file(path, of: name, commit: commit, client.settings))
    var fieldsForHome: [(name: String, value: String)] = []
    let start = file.count
    if start > 0 {
      request.fields.append(("Range", "bytes=\(start)-"))
      // A store that the hub leads to has names of its own for the contents.
      fieldsForHome.append(("If-Range", "\"\(blob)\""))
    }
    let opening = Opening()
    let answer = try client.exchange(request, fieldsForHome: fieldsForHome) {
      (head, bytes) throws(Problem) in
      if !opening.isDone {
        try begin(file, at: start, head)
        opening.isDone = true
      }
      try file.append(bytes)
    }
    if answer.head.status == 416 {
      try file.restart()
      throw PassingFault(reason: "the rest of the file is refused (416)")
    }
    guard answer.head.isSuccess else {
      throw answer.problem(name, file: path, settings: client.settings)
    }
    do { try checkIdentity(answer) } catch {
      file.discard()
      throw error
    }
    guard file.count == size else {
      throw PassingFault(reason: "the connection ended after \(file.count) of \(size) bytes")
    }
  }

  private final class Opening { var isDone = false }

  /// Holds the first bytes of an answer against what was asked for.
  private func begin(
    _ file: IncompleteFile, at start: Int, _ head: HTTPHead
  ) throws(Problem) {
    switch head.status {
    case 200:
      if let announced = head.count("content-length"), announced != size,
        head["content-encoding"] == nil
      {
        throw Problem(
          place, "\(announced) bytes are sent, the hub's list says \(size); try later", kind: .run)
      }
      // The whole file comes, whatever was asked for.
      if start > 0 { try file.restart() }
    case 206:
      let range = head["content-range"]?.wholeMatch(of: /bytes (\d{1,18})-\d{1,18}\/(\d{1,18}|\*)/)
      guard let range, Int(range.output.1) == start,
        range.output.2 == "*" || Int(range.output.2) == size
      else {
        throw Problem(
          place, "other bytes are sent than those from \(start) on; try later", kind: .run)
      }
    default:
      throw Problem(place, "the answer \(head.status) is none to a request for a file", kind: .run)
    }
  }

  /// The hub says with every file whose contents and of which commit they are.
  private func checkIdentity(_ answer: HubClient.Answer) throws(Problem) {
    if let other = answer.fieldFromHome("x-repo-commit"), other != commit {
      throw Problem(place, "it comes from commit \(other), expected \(commit)", kind: .run)
    }
    if let other = EntityTag(answer.fieldFromHome("x-linked-etag"))?.value, other != blob {
      throw Problem(
        place, "the hub calls it \(other), its list says \(blob); try later", kind: .run)
    }
  }
}

/// The name that a server gives to contents, without quotes: it becomes the name of a file.
struct EntityTag {
  let value: String

  /// nil where it is missing or no plain word.
  init?(_ field: String?) {
    guard var text = field?[...] else { return nil }
    if text.hasPrefix("W/") { text = text.dropFirst(2) }
    if text.hasPrefix("\""), text.hasSuffix("\""), text.count >= 2 {
      text = text.dropFirst().dropLast()
    }
    guard (1...128).contains(text.utf8.count), text.utf8.first != UInt8(ascii: "."),
      text.utf8.allSatisfy({ isAlphanumeric($0) || "-_.".utf8.contains($0) })
    else { return nil }
    value = String(text)
  }
}
