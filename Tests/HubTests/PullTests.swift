import Formats
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Hub

/// A hub, a cache folder and settings that point at them, with little patience.
struct HubFixture {
  let hub: HubImitation
  let directory: TemporaryDirectory
  var settings: HubSettings
  static let commit = String(repeating: "c0ffee01", count: 5)
  static let weights = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }

  init() throws {
    hub = try HubImitation()
    directory = try TemporaryDirectory()
    settings = HubSettings(endpoint: hub.url, cache: directory.path("cache"))
    settings.patience.firstPause = 0.01
    settings.patience.stalled = 1
    settings.patience.connecting = 2
    settings.patience.attempts = 3
    hub.add(Self.model, as: "harbour/ferry-1b")
  }

  static var model: HubImitation.Repository {
    HubImitation.Repository(
      commit: commit,
      files: [
        "config.json": Array("{}".utf8), "tokenizer.json": Array("{\"version\": 1}".utf8),
        "model.safetensors": weights, "README.md": Array("# Ferry".utf8),
        "pytorch_model.bin": Array("pickle".utf8), "empty.txt": [],
        "onnx/model.onnx": Array("onnx".utf8),
      ], large: ["model.safetensors"])
  }

  func pull(
    _ name: String = "harbour/ferry-1b", _ change: (inout RepositoryPull) -> Void = { _ in },
    events: (PullEvent) -> Void = { _ in }
  ) throws -> RepositoryPull.Snapshot {
    var pull = RepositoryPull(try #require(HubName(name)), settings: settings)
    change(&pull)
    return try pull.run(onEvent: events)
  }

  /// The sentence that a pull ends with.
  func problem(
    _ name: String = "harbour/ferry-1b", _ change: (inout RepositoryPull) -> Void = { _ in }
  ) throws -> String {
    do { _ = try pull(name, change) } catch let problem as Problem { return problem.description }
    Issue.record("nothing was thrown")
    return ""
  }

  var folder: String { settings.cache + "/models--harbour--ferry-1b" }
  func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
  var weightsBlob: String { "\(folder)/blobs/\(HubImitation.sha256(Self.weights))" }
}

@Suite struct PullTests {
  @Test func aModelIsPulledIntoTheSharedLayout() throws {
    let fixture = try HubFixture()
    let snapshot = try fixture.pull()
    #expect(snapshot.commit == HubFixture.commit)
    #expect(snapshot.path == "\(fixture.folder)/snapshots/\(HubFixture.commit)")
    #expect(
      Set(snapshot.files) == ["config.json", "tokenizer.json", "model.safetensors"])
    #expect(try readFile("\(snapshot.path)/model.safetensors") == HubFixture.weights)
    #expect(
      try FileManager.default.destinationOfSymbolicLink(
        atPath: "\(snapshot.path)/model.safetensors")
        == "../../blobs/\(HubImitation.sha256(HubFixture.weights))")
    let small = HubImitation.gitSHA1(Array("{}".utf8))
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: "\(snapshot.path)/config.json")
        == "../../blobs/\(small)")
    #expect(try readFile("\(fixture.folder)/refs/main") == Array(HubFixture.commit.utf8))
    #expect(fixture.exists("\(fixture.settings.cache)/CACHEDIR.TAG"))
    #expect(
      fixture.exists("\(fixture.settings.cache)/.locks/models--harbour--ferry-1b/\(small).lock"))
    let blobs = try directoryEntries("\(fixture.folder)/blobs")
    #expect(blobs.count == 3 && !blobs.contains { $0.hasSuffix("incomplete") })
  }

  @Test func aSecondPullTransfersNothing() throws {
    let fixture = try HubFixture()
    let first = try fixture.pull()
    #expect(first.state.receivedBytes == HubFixture.weights.count + 16)
    #expect(first.state.bytes == first.state.totalBytes && first.state.files == 3)
    let asked = fixture.hub.requests.count
    let second = try fixture.pull()
    #expect(second.state.receivedBytes == 0)
    #expect(second.state.bytes == first.state.totalBytes)
    // The list alone.
    #expect(fixture.hub.requests.count == asked + 1)
  }

  @Test func theTokenNeverTravelsToTheStore() throws {
    var fixture = try HubFixture()
    fixture.settings.token = "hf_secret"
    _ = try fixture.pull()
    #expect(fixture.hub.requests.allSatisfy { $0.fields["authorization"] == "Bearer hf_secret" })
    #expect(fixture.hub.storeRequests.count == 1)
    #expect(fixture.hub.storeRequests.allSatisfy { $0.fields["authorization"] == nil })
  }

  /// A store that sends back to the hub could have the token shown to an address of its choice.
  @Test func theTokenStaysAwayAfterADetour() throws {
    var fixture = try HubFixture()
    fixture.settings.token = "hf_secret"
    let url = fixture.hub.url
    fixture.hub.answer { request in
      request.target.hasPrefix("/blob/")
        ? .init(302, [("Location", "\(url)/detour")])
        : request.target == "/detour"
          ? HubImitation.part(of: HubFixture.weights, request) : nil
    }
    _ = try fixture.pull()
    let detour = try #require(fixture.hub.requests.last { $0.target == "/detour" })
    #expect(detour.fields["authorization"] == nil)
  }

  @Test func aRenamedRepositoryIsFollowed() throws {
    var fixture = try HubFixture()
    fixture.settings.token = "hf_secret"
    fixture.hub.answer { request in
      guard request.target.contains("old/name") else { return nil }
      let target = request.target.replacing("old/name", with: "harbour/ferry-1b")
      return .init(307, [("Location", target)])
    }
    let snapshot = try fixture.pull("old/name")
    #expect(try readFile("\(snapshot.path)/model.safetensors") == HubFixture.weights)
    #expect(snapshot.path.contains("models--old--name"))
  }

  @Test func endlessRedirectionsEnd() throws {
    let fixture = try HubFixture()
    fixture.hub.answer { _ in .init(302, [("Location", "/again")]) }
    #expect(try fixture.problem().contains("redirects more than 10 times"))
  }

  @Test func redirectionsToFilesOfThisMachineAreRefused() throws {
    let fixture = try HubFixture()
    fixture.hub.answer { request in
      request.target.hasPrefix("/harbour") ? .init(302, [("Location", "file:///etc/passwd")]) : nil
    }
    #expect(try fixture.problem().contains("no web address"))
  }

  @Test func aListWithoutSizesIsCompletedFromTheFilesThemselves() throws {
    let fixture = try HubFixture()
    var model = HubFixture.model
    model.listsBlobs = false
    fixture.hub.add(model, as: "harbour/ferry-1b")
    let snapshot = try fixture.pull()
    #expect(try readFile("\(snapshot.path)/model.safetensors") == HubFixture.weights)
    #expect(fixture.exists(fixture.weightsBlob))
    #expect(fixture.hub.requests.contains { $0.method == "HEAD" })
    #expect(fixture.hub.storeRequests.allSatisfy { $0.method == "GET" })
  }

  @Test func shardsComeFromTheIndex() throws {
    let fixture = try HubFixture()
    var model = HubFixture.model
    model.files["model.safetensors"] = nil
    model.files["model-00001-of-00002.safetensors"] = [1, 2, 3]
    model.files["model-00002-of-00002.safetensors"] = [4, 5]
    model.files["consolidated.safetensors"] = [6]
    model.files["model.safetensors.index.json"] = Array(
      """
      {"weight_map": {"a": "model-00001-of-00002.safetensors",
                      "b": "model-00002-of-00002.safetensors"}}
      """.utf8)
    fixture.hub.add(model, as: "harbour/ferry-1b")
    let snapshot = try fixture.pull()
    #expect(snapshot.files.contains("model-00002-of-00002.safetensors"))
    #expect(!snapshot.files.contains("consolidated.safetensors"))
    #expect(snapshot.state.bytes == snapshot.state.totalBytes)
    #expect(snapshot.state.files == snapshot.state.totalFiles)
  }

  @Test func anIndexThatLeavesTheFolderIsRefused() throws {
    let fixture = try HubFixture()
    var model = HubFixture.model
    model.files["model.safetensors"] = nil
    model.files["model.safetensors.index.json"] = Array(
      "{\"weight_map\": {\"a\": \"../../../../evil.safetensors\"}}".utf8)
    fixture.hub.add(model, as: "harbour/ferry-1b")
    #expect(try fixture.problem().contains("no safetensors file of the repository"))
  }

  @Test func aRevisionIsItsOwnReference() throws {
    let fixture = try HubFixture()
    var model = HubFixture.model
    model.revisions.insert("refs/pr/7")
    fixture.hub.add(model, as: "harbour/ferry-1b")
    _ = try fixture.pull("harbour/ferry-1b@refs/pr/7")
    #expect(
      try readFile("\(fixture.folder)/refs/refs/pr/7") == Array(HubFixture.commit.utf8))
    #expect(fixture.hub.requests.contains { $0.target.contains("/revision/refs%2Fpr%2F7?") })
    #expect(
      try fixture.problem("harbour/ferry-1b@v9").contains("has no revision \"v9\""))
  }

  @Test func aCommitNeedsNoReference() throws {
    let fixture = try HubFixture()
    let snapshot = try fixture.pull("harbour/ferry-1b@\(HubFixture.commit)")
    #expect(snapshot.commit == HubFixture.commit)
    #expect(!fixture.exists("\(fixture.folder)/refs"))
  }

  @Test func aDataSetIsPulled() throws {
    let fixture = try HubFixture()
    let rows = Array("{\"instruction\": \"a\"}\n".utf8)
    fixture.hub.add(
      HubImitation.Repository(
        commit: HubFixture.commit,
        files: ["data/train 1.jsonl": rows, "load.py": [1], "old.pkl": [2]]),
      as: "datasets/harbour/logs")
    let snapshot = try fixture.pull("datasets/harbour/logs")
    #expect(snapshot.files == ["data/train 1.jsonl"])
    #expect(try readFile("\(snapshot.path)/data/train 1.jsonl") == rows)
    #expect(
      try FileManager.default.destinationOfSymbolicLink(
        atPath: "\(snapshot.path)/data/train 1.jsonl")
        == "../../../blobs/\(HubImitation.gitSHA1(rows))")
    #expect(snapshot.path.contains("/datasets--harbour--logs/snapshots/"))
  }

  @Test func aCopyIsADirectoryOfItsOwn() throws {
    let fixture = try HubFixture()
    let copy = fixture.directory.path("copy")
    let snapshot = try fixture.pull()
    try SnapshotCopy.write(snapshot.files, of: snapshot.path, to: copy)
    #expect(
      try directoryEntries(copy) == ["config.json", "model.safetensors", "tokenizer.json"])
    #expect(try readFile("\(copy)/model.safetensors") == HubFixture.weights)
    #expect(
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(copy)/config.json")) == nil)
  }

  @Test func aDamagedBlobIsFoundAndReplaced() throws {
    let fixture = try HubFixture()
    _ = try fixture.pull()
    var damaged = HubFixture.weights
    damaged[1000] ^= 1
    try Data(damaged).write(to: URL(filePath: fixture.weightsBlob))
    _ = try fixture.pull()
    #expect(try readFile(fixture.weightsBlob) == damaged)
    _ = try fixture.pull { $0.verifies = true }
    #expect(try readFile(fixture.weightsBlob) == HubFixture.weights)
    try Data(damaged.prefix(7)).write(to: URL(filePath: fixture.weightsBlob))
    _ = try fixture.pull()
    #expect(try readFile(fixture.weightsBlob) == HubFixture.weights)
  }

  @Test func twoPullsAtOnceMakeOneWholeCopy() throws {
    let fixture = try HubFixture()
    fixture.hub.answer { request in
      if request.target.hasPrefix("/blob/") { Thread.sleep(forTimeInterval: 0.3) }
      return nil
    }
    let settings = fixture.settings
    let name = try #require(HubName("harbour/ferry-1b"))
    let faults = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 2) { _ in
      do { _ = try RepositoryPull(name, settings: settings).run() } catch {
        faults.withLock { $0.append("\(error)") }
      }
    }
    #expect(faults.withLock { $0 } == [])
    #expect(try readFile(fixture.weightsBlob) == HubFixture.weights)
    #expect(fixture.hub.storeRequests.count == 1)
  }

  @Test func offlineNothingIsAsked() throws {
    var fixture = try HubFixture()
    fixture.settings.isOffline = true
    #expect(try fixture.problem().contains("HF_HUB_OFFLINE"))
    #expect(fixture.hub.requests.isEmpty)
  }
}
