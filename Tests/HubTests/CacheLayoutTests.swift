import Formats
import Foundation
import TestSupport
import Testing

@testable import Hub

/// The cache folder is the one of `huggingface_hub`: `scripts/golden/hub.py` wrote down what that makes
/// of a repository.
@Suite struct CacheLayoutTests {
  private struct Golden {
    let repository: HubImitation.Repository
    let name: String
    let tree: [String: JSON]

    init() throws {
      let json = try readJSON(goldenPath("hub/cache.json"))
      name = try #require(json["name"]?.string)
      var files: [String: [UInt8]] = [:]
      for (path, data) in try #require(json["files"]?.object).members {
        files[path] = try Golden.bytes(data)
      }
      let large = try #require(json["large"]?.array).compactMap(\.string)
      repository = HubImitation.Repository(
        commit: try #require(json["commit"]?.string), files: files, large: Set(large))
      tree = Dictionary(
        uniqueKeysWithValues: try #require(json["tree"]?.object).members.map { ($0.key, $0.value) })
    }

    /// Of hexadecimal digits.
    static func bytes(_ json: JSON) throws -> [UInt8] {
      let digits = Array(try #require(json.string))
      return try stride(from: 0, to: digits.count, by: 2).map {
        try #require(UInt8(String(digits[$0..<$0 + 2]), radix: 16))
      }
    }
  }

  /// Every file below a folder by its path.
  private func paths(below root: String, _ folder: String = "") throws -> [String] {
    try directoryEntries("\(root)/\(folder)").flatMap { name -> [String] in
      let path = folder.isEmpty ? name : "\(folder)/\(name)"
      return directoryExists("\(root)/\(path)") ? try paths(below: root, path) : [path]
    }
  }

  @Test func whatIsPulledLiesWherePythonPutsIt() throws {
    let golden = try Golden()
    let fixture = try HubFixture()
    fixture.hub.add(golden.repository, as: golden.name)
    _ = try fixture.pull(golden.name) { $0.selection.include = ["*"] }
    let cache = fixture.settings.cache
    // Python also keeps the list of files, to know offline whether a folder is whole.
    let expected = golden.tree.keys.filter { !$0.contains("/trees/") }
    #expect(try paths(below: cache).sorted() == expected.sorted())
    for (path, entry) in golden.tree {
      if let link = entry["link"]?.string {
        #expect(
          try FileManager.default.destinationOfSymbolicLink(atPath: "\(cache)/\(path)") == link)
      } else if let bytes = entry["bytes"] {
        #expect(try readFile("\(cache)/\(path)") == Golden.bytes(bytes))
      }
    }
  }

  @Test func whatPythonPulledIsUsed() throws {
    let golden = try Golden()
    let fixture = try HubFixture()
    fixture.hub.add(golden.repository, as: golden.name)
    let cache = fixture.settings.cache
    for (path, entry) in golden.tree {
      try createDirectory(parentDirectory(of: "\(cache)/\(path)"))
      if let link = entry["link"]?.string {
        try FileManager.default.createSymbolicLink(
          atPath: "\(cache)/\(path)", withDestinationPath: link)
      } else {
        try writeFile("\(cache)/\(path)", bytes: try entry["bytes"].map(Golden.bytes) ?? [])
      }
    }
    let name = try #require(HubName(golden.name))
    let cached = try #require(CachedSnapshot(name, in: HubCache(cache)))
    #expect(cached.commit == golden.repository.commit)
    #expect(cached.modelPath == cached.path)
    let pulled = try fixture.pull(golden.name) { $0.verifies = true }
    #expect(pulled.path == cached.path && pulled.state.receivedBytes == 0)
    #expect(fixture.hub.requests.allSatisfy { $0.target.hasPrefix("/api/") })
  }
}
