import Formats
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Hub

/// What goes wrong between here and the hub.
@Suite struct FaultTests {
  // MARK: Cut connections

  @Test func aCutConnectionGoesOnWhereItBroke() throws {
    let fixture = try HubFixture()
    let tries = Mutex(0)
    fixture.hub.answer { request in
      guard request.target.hasPrefix("/blob/") else { return nil }
      let number = tries.withLock {
        $0 += 1
        return $0
      }
      var reply = HubImitation.part(of: HubFixture.weights, request)
      if number < 4 { reply.cut = 70_000 }
      return reply
    }
    let snapshot = try fixture.pull()
    #expect(try readFile("\(snapshot.path)/model.safetensors") == HubFixture.weights)
    #expect(
      fixture.hub.storeRequests.map { $0.fields["range"] }
        == [nil, "bytes=70000-", "bytes=140000-", "bytes=210000-"])
    #expect(snapshot.state.receivedBytes == HubFixture.weights.count + 16)
  }

  @Test func whatAnEarlierRunLeftIsUsed() throws {
    let fixture = try HubFixture()
    fixture.hub.answer { request in
      guard request.target.hasPrefix("/blob/") else { return nil }
      guard request.fields["range"] == nil else { return .init(503) }
      var reply = HubImitation.part(of: HubFixture.weights, request)
      reply.cut = 100_000
      return reply
    }
    #expect(try fixture.problem().contains("goes on where this one stopped"))
    #expect(fixture.exists(fixture.weightsBlob + ".incomplete"))
    #expect(!fixture.exists(fixture.weightsBlob))
    #expect(!fixture.exists("\(fixture.folder)/refs/main"))

    fixture.hub.answer { _ in nil }
    let snapshot = try fixture.pull()
    #expect(fixture.hub.storeRequests.last?.fields["range"] == "bytes=100000-")
    #expect(try readFile("\(snapshot.path)/model.safetensors") == HubFixture.weights)
    #expect(snapshot.state.receivedBytes == 200_000)
    #expect(!fixture.exists(fixture.weightsBlob + ".incomplete"))
  }

  @Test func aDamagedBeginningIsThrownAway() throws {
    let fixture = try HubFixture()
    try createDirectory(parentDirectory(of: fixture.weightsBlob))
    try writeFile(
      fixture.weightsBlob + ".incomplete", bytes: [UInt8](repeating: 9, count: 50_000))
    let snapshot = try fixture.pull()
    #expect(try readFile("\(snapshot.path)/model.safetensors") == HubFixture.weights)
    #expect(fixture.hub.storeRequests.map { $0.fields["range"] } == ["bytes=50000-", nil])
  }

  @Test(arguments: [HubFixture.weights.count, HubFixture.weights.count + 1])
  func aBeginningThatIsNoneIsThrownAway(count: Int) throws {
    let fixture = try HubFixture()
    try createDirectory(parentDirectory(of: fixture.weightsBlob))
    try writeFile(
      fixture.weightsBlob + ".incomplete", bytes: [UInt8](repeating: 9, count: count))
    let snapshot = try fixture.pull()
    #expect(try readFile("\(snapshot.path)/model.safetensors") == HubFixture.weights)
  }

  @Test func aServerWithoutRangesSendsAllOfItAgain() throws {
    let fixture = try HubFixture()
    try createDirectory(parentDirectory(of: fixture.weightsBlob))
    try writeFile(
      fixture.weightsBlob + ".incomplete", bytes: Array(HubFixture.weights.prefix(1000)))
    fixture.hub.answer { request in
      request.target.hasPrefix("/blob/") ? .init(200, body: HubFixture.weights) : nil
    }
    let snapshot = try fixture.pull()
    #expect(try readFile("\(snapshot.path)/model.safetensors") == HubFixture.weights)
    #expect(snapshot.state.bytes == snapshot.state.totalBytes)
  }

  @Test(arguments: ["bytes 5-9/300000", "bytes 1000-299999/300001", "nonsense", "bytes */300000"])
  func aRangeThatWasNotAskedForIsRefused(range: String) throws {
    let fixture = try HubFixture()
    try createDirectory(parentDirectory(of: fixture.weightsBlob))
    try writeFile(
      fixture.weightsBlob + ".incomplete", bytes: Array(HubFixture.weights.prefix(1000)))
    fixture.hub.answer { request in
      request.target.hasPrefix("/blob/")
        ? .init(206, [("Content-Range", range)], body: [1, 2, 3]) : nil
    }
    #expect(try fixture.problem().contains("other bytes are sent"))
  }

  @Test func aSilentServerIsGivenUp() throws {
    let fixture = try HubFixture()
    fixture.hub.answer { request in
      guard request.target.hasPrefix("/blob/") else { return nil }
      var reply = LocalServer.Reply(200, body: HubFixture.weights)
      reply.silent = 0
      return reply
    }
    let problem = try fixture.problem { $0.verifies = false }
    #expect(problem.contains("3 times in a row"), "\(problem)")
  }

  @Test func nobodyListening() throws {
    let fixture = try HubFixture()
    fixture.hub.close()
    let problem = try fixture.problem()
    #expect(problem.contains("3 times in a row") && problem.contains("connect"), "\(problem)")
  }

  // MARK: Wrong contents

  @Test func wrongBytesAreNotKept() throws {
    let fixture = try HubFixture()
    var wrong = HubFixture.weights
    wrong[77] ^= 4
    let sent = wrong
    fixture.hub.answer { request in
      request.target.hasPrefix("/blob/") ? HubImitation.part(of: sent, request) : nil
    }
    #expect(try fixture.problem().contains("its checksum is \(HubImitation.sha256(wrong))"))
    #expect(!fixture.exists(fixture.weightsBlob))
    #expect(!fixture.exists(fixture.weightsBlob + ".incomplete"))
    #expect(!fixture.exists("\(fixture.folder)/refs/main"))
  }

  @Test func wrongBytesOfASmallFileAreNotKept() throws {
    let fixture = try HubFixture()
    fixture.hub.answer { request in
      request.target.hasSuffix("/config.json") ? .init(200, text: "[]") : nil
    }
    #expect(try fixture.problem().contains("config.json: its checksum is"))
  }

  @Test(arguments: [0, 299_999, 300_001])
  func anotherSizeIsRefused(count: Int) throws {
    let fixture = try HubFixture()
    let body = [UInt8](repeating: 1, count: count)
    fixture.hub.answer { request in
      request.target.hasPrefix("/blob/") ? .init(200, body: body) : nil
    }
    let problem = try fixture.problem()
    #expect(
      problem.contains("\(count) bytes are sent") || problem.contains("0 of 300000 bytes"),
      "\(problem)")
  }

  @Test func anotherFileThanTheListSaysIsRefused() throws {
    let fixture = try HubFixture()
    fixture.hub.answer { request in
      guard request.target.hasSuffix("/config.json") else { return nil }
      return .init(200, [("X-Repo-Commit", String(repeating: "d", count: 40))], text: "{}")
    }
    #expect(try fixture.problem().contains("it comes from commit dddd"))
    #expect(!fixture.exists("\(fixture.folder)/refs/main"))
  }

  // MARK: Refusals of the hub

  @Test func anUnknownNameIsAnsweredWithWhatWasMeant() throws {
    let fixture = try HubFixture()
    let problem = try fixture.problem("harbour/fery-1b")
    #expect(problem.hasPrefix("harbour/fery-1b: the hub shows no model of this name"))
    #expect(problem.contains("did you mean \"harbour/ferry-1b\"?"))
    #expect(problem.contains("HF_TOKEN"))
    #expect(!fixture.exists(fixture.settings.cache + "/models--harbour--fery-1b"))
  }

  @Test func aTokenThatIsNotAccepted() throws {
    var fixture = try HubFixture()
    fixture.settings.token = "hf_old"
    fixture.hub.answer { _ in .init(401, [("X-Error-Message", "Invalid credentials")]) }
    let problem = try fixture.problem()
    #expect(problem.contains("does not accept the token (401) (\"Invalid credentials\")"))
    #expect(problem.contains("/settings/tokens"))
  }

  @Test func aGatedModelSaysWhatToDo() throws {
    var fixture = try HubFixture()
    var model = HubFixture.model
    model.gate = "hf_member"
    fixture.hub.add(model, as: "harbour/ferry-1b")
    let problem = try fixture.problem()
    #expect(problem.contains("given on request (\"Ask for access.\")"), "\(problem)")
    #expect(problem.contains("accept its conditions on \(fixture.hub.url)/harbour/ferry-1b"))
    #expect(problem.contains("HF_TOKEN"))
    fixture.settings.token = "hf_member"
    _ = try fixture.pull()
  }

  @Test func aMissingRepositoryIsAnInputFault() throws {
    let fixture = try HubFixture()
    fixture.hub.answer { _ in .init(404, [("X-Error-Code", "RepoNotFound")]) }
    do {
      _ = try fixture.pull("harbour/none")
      Issue.record("nothing was thrown")
    } catch let problem as Problem {
      #expect(problem.kind == .input)
      #expect(problem.description.contains("(404)"))
    }
  }

  // MARK: Too many requests, and faults of the server

  @Test(arguments: [500, 502, 503, 504, 429, 408])
  func whatMayPassIsTriedAgain(status: Int) throws {
    let fixture = try HubFixture()
    let left = Mutex(2)
    fixture.hub.answer { request in
      guard request.target.hasPrefix("/blob/") else { return nil }
      let isBad = left.withLock {
        $0 -= 1
        return $0 >= 0
      }
      return isBad ? .init(status, text: "later") : nil
    }
    let snapshot = try fixture.pull()
    #expect(try readFile("\(snapshot.path)/model.safetensors") == HubFixture.weights)
    #expect(fixture.hub.storeRequests.count == 3)
  }

  @Test func whatTheHubAsksToWaitIsWaited() throws {
    let fixture = try HubFixture()
    let asked = Mutex(0)
    fixture.hub.answer { request in
      guard request.target.hasPrefix("/api/") else { return nil }
      let count = asked.withLock {
        $0 += 1
        return $0
      }
      return count == 1 ? .init(429, [("Retry-After", "1")]) : nil
    }
    var notes: [String] = []
    _ = try fixture.pull(events: { if case .note(let text) = $0 { notes.append(text) } })
    #expect(asked.withLock { $0 } == 2)
    #expect(notes.contains { $0.contains("too many requests (429); trying again in 1 s") })
  }

  @Test func aLongPauseIsNotWaited() throws {
    let fixture = try HubFixture()
    fixture.hub.answer { _ in .init(429, [("Retry-After", "86400")]) }
    #expect(try fixture.problem().contains("asks to wait 86400 seconds"))
    #expect(fixture.hub.requests.count == 1)
  }

  // MARK: Hostile lists

  @Test(arguments: [
    "../x", "/etc/passwd", "a/../../x", "a//b", "", ".", "a/.", "a\\..\\b", "a\\u0000b", "a\\nb",
  ])
  func namesThatLeaveTheFolderAreRefused(path: String) throws {
    let fixture = try HubFixture()
    let name = path.replacing("a\\..\\b", with: "a\\\\..\\\\b")
    fixture.hub.answer { request in
      request.target.hasPrefix("/api/")
        ? .init(
          200,
          text: """
            {"sha": "\(HubFixture.commit)", "siblings": [{"rfilename": "\(name)"}]}
            """) : nil
    }
    #expect(try fixture.problem().contains("leads out of its folder or is no name"))
    #expect(fixture.hub.requests.count == 1)
  }

  @Test(arguments: ["-1", "9223372036854775807", "1e300", "\"12\"", "1.5", "[]"])
  func impossibleSizesAreRefused(size: String) throws {
    let fixture = try HubFixture()
    fixture.hub.answer { request in
      request.target.hasPrefix("/api/")
        ? .init(
          200,
          text: """
            {"sha": "\(HubFixture.commit)", "siblings":
             [{"rfilename": "model.safetensors", "size": \(size)}]}
            """) : nil
    }
    #expect(try fixture.problem().contains("impossible size"))
  }

  @Test func aFileLargerThanTheDiskIsRefusedBeforehand() throws {
    let fixture = try HubFixture()
    let sum = String(repeating: "ab", count: 32)
    fixture.hub.answer { request in
      request.target.hasPrefix("/api/")
        ? .init(
          200,
          text: """
            {"sha": "\(HubFixture.commit)", "siblings": [{"rfilename": "model.safetensors",
             "lfs": {"sha256": "\(sum)", "size": 1000000000000000}}]}
            """) : nil
    }
    #expect(try fixture.problem().contains("no space left"))
    #expect(fixture.hub.requests.count == 1)
  }

  @Test(arguments: [
    "<!DOCTYPE html><html>Log in</html>", "", "[1, 2", "{}", "{\"sha\": \"main\"}",
    "{\"sha\": \"../../../../../../../../../../../../etc\"}",
  ])
  func whatIsNoAnswerOfAHubIsRefused(text: String) throws {
    let fixture = try HubFixture()
    fixture.hub.answer { request in
      request.target.hasPrefix("/api/")
        ? .init(200, [("Content-Type", "text/html")], text: text) : nil
    }
    let problem = try fixture.problem()
    #expect(problem.contains("no JSON but text/html") || problem.contains("names no commit"))
    #expect(problem.contains("HF_ENDPOINT"))
  }

  @Test(arguments: ["../../x", "a/b", "\\\"\\\"", ".hidden"])
  func namesOfContentsThatLeaveTheFolderAreRefused(tag: String) throws {
    let fixture = try HubFixture()
    var model = HubFixture.model
    model.listsBlobs = false
    fixture.hub.add(model, as: "harbour/ferry-1b")
    fixture.hub.answer { request in
      request.method == "HEAD" ? .init(200, [("ETag", "\"\(tag)\"")], text: "12") : nil
    }
    #expect(try fixture.problem().contains("does not say how large"))
  }

  /// Its length is that of the redirection's own text.
  @Test func aRedirectionWithoutASizeIsNoFile() throws {
    let fixture = try HubFixture()
    var model = HubFixture.model
    model.listsBlobs = false
    fixture.hub.add(model, as: "harbour/ferry-1b")
    let url = fixture.hub.storeURL
    fixture.hub.answer { request in
      request.method == "HEAD"
        ? .init(302, [("Location", "\(url)/x"), ("ETag", "\"abc\"")], text: "Found") : nil
    }
    #expect(try fixture.problem().contains("does not say how large"))
    #expect(fixture.hub.storeRequests.isEmpty)
  }

  // MARK: Stopping

  @Test func stoppingKeepsWhatCame() throws {
    let fixture = try HubFixture()
    fixture.hub.answer { request in
      guard request.target.hasPrefix("/blob/"), request.fields["range"] == nil else { return nil }
      var reply = LocalServer.Reply(200, body: HubFixture.weights)
      reply.silent = 120_000
      return reply
    }
    let name = try #require(HubName("harbour/ferry-1b"))
    var settings = fixture.settings
    settings.patience.stalled = 60
    let incomplete = fixture.weightsBlob + ".incomplete"
    #expect(throws: HubCancelled.self) {
      try RepositoryPull(name, settings: settings).run(isCancelled: {
        fileSize(incomplete) == 120_000
      })
    }
    #expect(fileSize(incomplete) == 120_000)
    _ = try fixture.pull()
    #expect(fixture.hub.storeRequests.last?.fields["range"] == "bytes=120000-")
    #expect(try readFile(fixture.weightsBlob) == HubFixture.weights)
  }
}
