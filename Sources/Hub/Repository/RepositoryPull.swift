import Dispatch
import Formats

/// Brings the wanted files of a repository into the cache.
package struct RepositoryPull: Sendable {
  package let name: HubName
  package let settings: HubSettings
  package var selection = FileSelection()
  /// Also compares the checksums of what is there already.
  package var verifies = false

  private static let threads = 4

  package init(_ name: HubName, settings: HubSettings) {
    self.name = name
    self.settings = settings
    selection.file = name.file
  }

  /// A repository at one commit on this machine.
  package struct Snapshot: Sendable {
    /// The directory.
    package let path: String
    package let commit: String
    /// The wanted files in it.
    package let files: [String]
    /// What was and is now there.
    package let state: PullState
  }

  /// - Parameters:
  ///   - isCancelled: Asked now and then on the calling thread; true ends the work with `HubCancelled`.
  ///     What came so far is kept, and the next pull goes on from there.
  ///   - onEvent: Called on the calling thread.
  package func run(
    isCancelled: () -> Bool = { false }, onEvent: (PullEvent) -> Void = { _ in }
  ) throws -> Snapshot {
    guard !settings.isOffline else {
      throw Problem(
        name.description, "nothing is pulled while HF_HUB_OFFLINE is set; unset it", kind: .run)
    }
    let cache = HubCache(settings.cache)
    try cache.mark()
    let progress = PullProgress()
    let plan = try inBackground(progress, threads: 1, isCancelled, onEvent) { client, _ in
      try findPlan(client, cache, progress)
    }
    try checkSpace(for: plan, cache)
    progress.start(
      totalFiles: plan.downloads.count, totalBytes: plan.downloads.reduce(0) { $0 + $1.size })
    onEvent(.started(commit: plan.commit, progress.state))
    _ = try inBackground(progress, threads: Self.threads, isCancelled, onEvent) { client, _ in
      while !progress.isStopped {
        let number = progress.takeNumber()
        guard number < plan.downloads.count else { return }
        try download(plan.downloads[number], client, progress)
      }
    }
    try cache.setCommit(plan.commit, for: name)
    onEvent(.progress(progress.state))
    return Snapshot(
      path: cache.snapshot(name, plan.commit), commit: plan.commit,
      files: plan.downloads.map(\.path), state: progress.state)
  }

  // MARK: What is wanted

  private struct Plan: Sendable {
    let commit: String
    /// Small files first: what a model is, before its weights.
    let downloads: [FileDownload]
  }

  private func findPlan(
    _ client: HubClient, _ cache: HubCache, _ progress: PullProgress
  ) throws -> Plan {
    let listing = try RepositoryListing(name, client: client)
    let choice = try selection.choose(from: listing.files.map(\.path), of: name)
    var wanted = choice.files
    if let index = choice.index {
      let file = try file(index, in: listing, client, cache)
      // It is counted later, with the others.
      try file.run(client, isCancelled: { progress.isStopped }, counted: { _ in })
      let shards = try ShardIndex.files(
        cache.snapshot(name, listing.commit) + "/" + index, place: "\(name): \(index)")
      wanted += selection.allowed(shards)
    }
    var downloads: [FileDownload] = []
    for path in wanted { downloads.append(try file(path, in: listing, client, cache)) }
    return Plan(commit: listing.commit, downloads: downloads.sorted { $0.size < $1.size })
  }

  private func file(
    _ path: String, in listing: RepositoryListing, _ client: HubClient, _ cache: HubCache
  ) throws -> FileDownload {
    guard let listed = listing.files.first(where: { $0.path == path }) else {
      throw Problem(
        "\(name): \(path)", "the repository lacks this file of the model; use another revision")
    }
    let known = try known(listed, commit: listing.commit, client)
    return FileDownload(
      name: name, commit: listing.commit, path: path, size: known.size, blob: known.blob,
      cache: cache, verifies: verifies)
  }

  /// Size and name of the contents: from the list, or, where that does not say, from the file's head.
  private func known(
    _ file: RepositoryFile, commit: String, _ client: HubClient
  ) throws -> (size: Int, blob: String) {
    if let size = file.size, let blob = file.blob { return (size, blob) }
    let place = "\(name): \(file.path)"
    let url = HubAddress.file(file.path, of: name, commit: commit, settings)
    let (answer, _) = try client.fetch(url, method: .head)
    let isThere = answer.head.isSuccess || answer.head.isRedirect
    guard isThere else { throw answer.problem(name, file: file.path, settings: settings) }
    // A redirection has fields of its own: only those about what it leads to count.
    let isFile = answer.head.isSuccess && answer.isFromHome
    let tag = answer.fieldFromHome("x-linked-etag") ?? (isFile ? answer.head["etag"] : nil)
    let size =
      answer.fieldFromHome("x-linked-size").flatMap { Int($0) }
      ?? (isFile ? answer.head.count("content-length") : nil)
    guard let blob = EntityTag(tag)?.value, let size, (0...1 << 50).contains(size) else {
      throw Problem(
        place, "the hub does not say how large the file is and what is in it; check HF_ENDPOINT",
        kind: .run)
    }
    return (size, blob)
  }

  private func checkSpace(for plan: Plan, _ cache: HubCache) throws {
    var blobs: Set<String> = []
    let missing = plan.downloads.reduce(0) { sum, file in
      let path = cache.blobPath(name, file.blob)
      guard blobs.insert(file.blob).inserted, fileSize(path) != file.size else { return sum }
      return sum + file.size - min(file.size, fileSize(path + ".incomplete") ?? 0)
    }
    try requireSpace(missing, at: settings.cache)
  }

  // MARK: Work

  private func download(
    _ file: FileDownload, _ client: HubClient, _ progress: PullProgress
  ) throws {
    var isFirst = true
    try file.run(
      client, isCancelled: { progress.isStopped },
      counted: { bytes in
        // The first count is what was there.
        progress.count(bytes, isReceived: !isFirst)
        isFirst = false
      })
    progress.finishFile()
  }

  /// Runs work on threads of its own, while this one shows progress and asks whether to stop.
  private func inBackground<Result: Sendable>(
    _ progress: PullProgress, threads: Int, _ isCancelled: () -> Bool,
    _ onEvent: (PullEvent) -> Void,
    _ work: @escaping @Sendable (HubClient, Int) throws -> Result
  ) throws -> Result {
    let results = ResultBox<Result>()
    let group = DispatchGroup()
    for thread in 0..<threads {
      DispatchQueue.global(qos: .userInitiated).async(group: group) { [settings] in
        do {
          let client = try HubClient(
            settings, isCancelled: { progress.isStopped }, note: { progress.note($0) })
          results.put(try work(client, thread))
        } catch { progress.fail(error) }
      }
    }
    var shown = progress.state
    while group.wait(timeout: .now() + .milliseconds(100)) == .timedOut {
      for note in progress.takeNotes() { onEvent(.note(note)) }
      if isCancelled() { progress.stop() }
      let state = progress.state
      if state != shown { onEvent(.progress(state)) }
      shown = state
    }
    for note in progress.takeNotes() { onEvent(.note(note)) }
    if isCancelled() { throw HubCancelled() }
    try progress.throwFault()
    guard let result = results.value else { throw HubCancelled() }
    return result
  }
}
