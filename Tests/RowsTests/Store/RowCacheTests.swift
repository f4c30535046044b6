import Formats
import Foundation
import TestSupport
import Testing
import Text

@testable import Rows

/// A cache has the rows that memory has, and is never taken for whole where it is not.
@Suite struct RowCacheTests {
  private let folder: TemporaryDirectory
  private let renderer: Renderer

  init() throws {
    folder = try TemporaryDirectory()
    let model = goldenPath("template-rendering")
    renderer = Renderer(
      tokenizer: try Tokenizer.load(model),
      template: try ChatTemplate.choose("chatml", modelPath: model))
    for name in ["a", "b"] { try writeRows(name, count: 300) }
  }

  private func writeRows(_ name: String, count: Int) throws {
    var random = SplitMix64(seed: UInt64(name.utf8.first ?? 0))
    let lines = (0..<count).map { row -> String in
      if row % 50 == 7 { return "{}" }
      let words = (0..<Int.random(in: 1...90, using: &random)).map { _ in
        ["ferry", "peg", "brook", "water"].randomElement(using: &random) ?? ""
      }
      return #"{"instruction": "Row \#(row % 40)", "output": "\#(words.joined(separator: " "))"}"#
    }
    try writeFile(folder.path("\(name).jsonl"), lines.joined(separator: "\n") + "\n")
  }

  private func loading(maxLength: Int = 70, _ overlong: Overlong = .truncate) throws -> RowLoading {
    let sources = ["a", "b"].map { RowSource(path: folder.path("\($0).jsonl"), format: .alpaca) }
    return try RowLoading(sources, renderer: renderer, maxLength: maxLength, overlong: overlong)
  }

  private var directory: String { folder.path("cache") }

  private struct Result {
    let set: RowSet
    let remarks: [String]
    let isBuilt: Bool
  }

  private func load(_ loading: RowLoading, tokenizer: String = "t") throws -> Result {
    var cache = RowCache(directory: directory, checksums: FileChecksums(in: directory))
    cache.sortedTokens = 500
    var remarks: [String] = []
    var isBuilt = false
    let set = try cache.load(
      loading, tokenizer: tokenizer, remark: { remarks.append($0) },
      progress: { _ in isBuilt = true })
    return Result(set: set, remarks: remarks, isBuilt: isBuilt)
  }

  private func contents(_ set: RowSet) throws -> [String] {
    let rows = set.rows
    let path = folder.path("verdicts")
    let file = try OutputFile(path)
    try set.writeVerdicts(to: file)
    try file.close()
    let order = try rows.beginnings()
    let lines = try (0..<rows.count).map { row in
      let tokens = try rows.tokens(row)
      return
        "\(try rows.place(row)) \(rows.source(row)) \(rows.length(row)) \(rows.trainedTokens(row))"
        + " \(rows.fingerprint(row)) \(tokens.ids) \(tokens.labels) \(tokens.weights ?? [])"
    }
    let others = [
      "\(order.places) \(order.shared) \(order.lengths)", "\(set.summary)", "\(set.warnings)",
      String(decoding: try readFile(path), as: UTF8.self),
    ]
    return lines + others
  }

  private func cacheNames() throws -> [String] {
    try directoryEntries(directory).filter { directoryExists("\(directory)/\($0)") }
  }

  @Test func hasTheRowsThatMemoryHas() throws {
    let memory = try contents(try RowSet.load(loading()))
    #expect(memory.count > 560)
    RowThreads.use(1)
    let built = try load(loading())
    #expect(built.isBuilt && built.remarks.isEmpty)
    #expect(try contents(built.set) == memory)
    RowThreads.use(3)
    let opened = try load(loading())
    #expect(!opened.isBuilt && opened.remarks.isEmpty)
    #expect(try contents(opened.set) == memory)
    // With another number of threads the same bytes.
    let name = try #require(try cacheNames().first)
    let bytes = try readFile("\(directory)/\(name)/tokens.h5")
    try removeTree(directory)
    #expect(try load(loading()).isBuilt)
    #expect(try readFile("\(directory)/\(name)/tokens.h5") == bytes)
    #expect(try cacheNames() == [name])
  }

  @Test func weightsAndOtherLabelsArePreserved() throws {
    try createDirectory(directory)
    let place = RowPlace(file: "f", index: 0, line: 1, isLineFile: true)
    let rows = [
      StoredRow(ids: [1, 2, 3], labels: [-100, 2, 3]),
      StoredRow(ids: [1, 2, 3, 4], labels: [-100, 7, -100, 4], weights: [0, 0.5, 0, 2]),
      StoredRow(ids: [5, 6], labels: [-100, 6]),
      StoredRow(ids: [5, 6], labels: [5, 6], weights: [1, 0.25]),
    ]
    let writer = try RowCacheWriter(directory, sortedTokens: 100)
    for row in rows {
      var judged = JudgedRow(place: place)
      judged.admitted = [AdmittedRow(row)]
      try writer.add(judged, source: 3)
    }
    let manifest = try writer.finish(key: [:], summary: RowSummary())
    let store = try CachedRowStore("\(directory)/tokens.h5", files: manifest.files)
    for (number, row) in rows.enumerated() {
      #expect(try store.tokens(number) == row)
      #expect(store.trainedTokens(number) == row.trainedTokens && store.source(number) == 3)
      #expect(try store.place(number) == place)
    }
  }

  @Test(arguments: ["tokens.h5", "rows.jsonl", "manifest.json"], ["cut", "changed", "gone"])
  func whatIsDamagedIsMadeAgain(name: String, damage: String) throws {
    let memory = try contents(try load(loading()).set)
    let cache = try #require(try cacheNames().first)
    let path = "\(directory)/\(cache)/\(name)"
    var bytes = try readFile(path)
    switch damage {
    case "cut": try writeFile(path, bytes: Array(bytes.dropLast(3)))
    case "changed":
      // A digit of the manifest; anything elsewhere.
      let place = bytes.lastIndex { (0x31...0x38).contains($0) } ?? 0
      bytes[place] += 1
      try writeFile(path, bytes: bytes)
    default: try removeTree(path)
    }
    let again = try load(loading())
    #expect(again.isBuilt && again.remarks.count == 1)
    let remark = try #require(again.remarks.first)
    #expect(remark.hasPrefix("the cached rows are made again: \(directory)"))
    #expect(try contents(again.set) == memory)
    #expect(try cacheNames() == [cache])
    #expect(try !load(loading()).isBuilt)
  }

  @Test func whatDecidesTheRowsMakesAnotherCache() throws {
    #expect(try load(loading()).isBuilt)
    #expect(try load(loading(), tokenizer: "other").isBuilt)
    #expect(try load(loading(maxLength: 71)).isBuilt)
    #expect(try load(loading(.drop)).isBuilt)
    #expect(try cacheNames().count == 4)
    try writeRows("a", count: 301)
    let changed = try load(loading())
    #expect(changed.isBuilt && changed.remarks.isEmpty && changed.set.rows.count == 588 + 1)
    #expect(try load(loading(.drop)).isBuilt)
  }

  /// What a killed builder leaves is no cache, and goes with the next that is built; what somebody still
  /// builds stays.
  @Test func leftoversAreRemovedAndOthersAreNotDisturbed() throws {
    #expect(try load(loading()).isBuilt)
    let name = try #require(try cacheNames().first)
    let killed = "\(directory)/.\(name).A.building"
    try createDirectory(killed)
    try writeFile(killed + "/tokens.h5", "half")
    let alive = try CacheDirectory("\(directory)/\(name)")
    try writeFile(alive.path + "/tokens.h5", "half")
    #expect(!directoryExists(killed))
    try createDirectory(killed)
    #expect(try load(loading(maxLength: 60)).isBuilt)
    #expect(!directoryExists(killed) && directoryExists(alive.path))
    #expect(try !load(loading()).isBuilt)
    // Somebody else's cache that is whole stays.
    #expect(try alive.commit(unless: { true }) == false)
    #expect(try !load(loading()).isBuilt)
  }

  @Test func runsThatBuildAtTheSameTimeBothGetTheirRows() throws {
    let memory = try contents(try RowSet.load(loading()))
    let loading = try loading()
    nonisolated(unsafe) var results: [RowSet?] = [nil, nil, nil]
    results.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let buffer = buffer
      let directory = directory
      DispatchQueue.concurrentPerform(iterations: 3) { index in
        buffer[index] = try? RowCache(
          directory: directory, checksums: FileChecksums(in: directory)
        ).load(loading, tokenizer: "t")
      }
    }
    for set in results { #expect(try contents(try #require(set)) == memory) }
    #expect(try cacheNames().count == 1)
  }

  /// Where no row can be learnt from there is nothing to keep.
  @Test func aFaultLeavesNothing() throws {
    try writeFile(folder.path("a.jsonl"), "{}\n{\n")
    #expect(throws: Problem.self) { try load(loading()) }
    #expect(try cacheNames().isEmpty)
  }
}
