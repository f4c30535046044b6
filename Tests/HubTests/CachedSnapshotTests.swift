import Formats
import Foundation
import TestSupport
import Testing

@testable import Hub

/// What the cache holds is used without asking anybody.
@Suite struct CachedSnapshotTests {
  private func snapshot(
    _ fixture: HubFixture, _ name: String = "harbour/ferry-1b"
  ) throws -> CachedSnapshot? {
    CachedSnapshot(try #require(HubName(name)), in: HubCache(fixture.settings.cache))
  }

  @Test func aWholeModelIsUsable() throws {
    let fixture = try HubFixture()
    #expect(try snapshot(fixture) == nil)
    let pulled = try fixture.pull()
    let cached = try #require(try snapshot(fixture))
    #expect(cached.commit == HubFixture.commit)
    #expect(cached.modelPath == pulled.path)
    #expect(cached.files == ["config.json", "model.safetensors", "tokenizer.json"])
    #expect(
      try snapshot(fixture, "harbour/ferry-1b@\(HubFixture.commit)")?.modelPath == pulled.path)
    #expect(try snapshot(fixture, "harbour/ferry-1b@v2") == nil)
  }

  @Test(arguments: ["config.json", "model.safetensors", "tokenizer.json"])
  func aModelWithAHoleIsNot(file: String) throws {
    let fixture = try HubFixture()
    let pulled = try fixture.pull()
    // The link stays and leads nowhere.
    let blob = try FileManager.default.destinationOfSymbolicLink(atPath: "\(pulled.path)/\(file)")
    try removeTree("\(fixture.folder)/blobs/\(URL(filePath: blob).lastPathComponent)")
    #expect(try snapshot(fixture)?.modelPath == nil)
    _ = try fixture.pull()
    #expect(try snapshot(fixture)?.modelPath == pulled.path)
  }

  @Test func allShardsMustBeThere() throws {
    let fixture = try HubFixture()
    var model = HubFixture.model
    model.files["model.safetensors"] = nil
    model.files["a.safetensors"] = [1]
    model.files["b.safetensors"] = [2]
    model.files["model.safetensors.index.json"] = Array(
      "{\"weight_map\": {\"x\": \"a.safetensors\", \"y\": \"b.safetensors\"}}".utf8)
    fixture.hub.add(model, as: "harbour/ferry-1b")
    let pulled = try fixture.pull { $0.selection.exclude = ["b.*"] }
    #expect(pulled.files.contains("a.safetensors") && !pulled.files.contains("b.safetensors"))
    #expect(try snapshot(fixture)?.modelPath == nil)
    _ = try fixture.pull()
    #expect(try snapshot(fixture)?.modelPath == pulled.path)
  }

  @Test func aGGUFFileIsNamedByItsQuantization() throws {
    let fixture = try HubFixture()
    fixture.hub.add(
      HubImitation.Repository(
        commit: HubFixture.commit,
        files: ["m-Q4_0.gguf": [4], "m-Q8_0.gguf": [8], "config.json": [1]]),
      as: "harbour/ferry-1b")
    let first = try fixture.pull("harbour/ferry-1b:Q4_0")
    #expect(first.files == ["m-Q4_0.gguf"])
    #expect(try snapshot(fixture)?.modelPath == "\(first.path)/m-Q4_0.gguf")
    #expect(try snapshot(fixture, "harbour/ferry-1b:Q8_0")?.modelPath == nil)
    _ = try fixture.pull("harbour/ferry-1b:Q8_0")
    #expect(
      try snapshot(fixture, "harbour/ferry-1b:q8_0")?.modelPath == "\(first.path)/m-Q8_0.gguf")
    // Two of them, and nobody says which.
    #expect(try snapshot(fixture)?.modelPath == nil)
  }

  @Test(arguments: ["", "main", "../../etc", String(repeating: "z", count: 40)])
  func aReferenceThatIsNoCommitIsNone(text: String) throws {
    let fixture = try HubFixture()
    _ = try fixture.pull()
    try writeFile("\(fixture.folder)/refs/main", text)
    #expect(try snapshot(fixture) == nil)
  }
}
