import Formats
import Foundation
import TestSupport
import Testing
import Text

@testable import Rows

/// Several threads make tokens of rows; what comes out is what one thread makes, in the order of the files.
@Suite struct RowPipelineTests {
  private let folder: TemporaryDirectory
  private let path: String
  private let renderer: Renderer

  /// Rows of very different lengths, bad ones among them, several batches in all.
  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("rows.jsonl")
    var random = SplitMix64(seed: 5)
    let lines = (0..<1500).map { row -> String in
      if row % 97 == 13 { return #"{"instruction": "q"}"# }
      let words = (0..<Int.random(in: 1...120, using: &random)).map { _ in
        ["ferry", "peg", "brook", "water"].randomElement(using: &random) ?? ""
      }
      return #"{"instruction": "Row \#(row)", "output": "\#(words.joined(separator: " "))"}"#
    }
    try writeFile(path, lines.joined(separator: "\n") + "\n")
    let model = goldenPath("template-rendering")
    renderer = Renderer(
      tokenizer: try Tokenizer.load(model),
      template: try ChatTemplate.choose("chatml", modelPath: model))
  }

  private func outcomes(threads: Int) throws -> [String] {
    RowThreads.use(threads)
    var outcomes: [String] = []
    try RowSet.forEach([RowSource(path: path, format: .alpaca)], renderer: renderer) {
      outcomes.append("\($0.place) \($0.rows.map(\.ids)) \($0.fault ?? "")")
    }
    return outcomes
  }

  @Test func rowsComeInTheOrderOfTheFileForAnyNumberOfThreads() throws {
    #expect(try FileIdentity(path).map { $0.size > 2 * RowBatch.byteLimit } ?? false)
    let one = try outcomes(threads: 1)
    #expect(one.count == 1500 && one[13].contains("\"output\" is missing"))
    for threads in [2, 3, 9] { #expect(try outcomes(threads: threads) == one) }
  }

  @Test func whatStandsBeforeAFaultOfTheFileIsSeenFirst() throws {
    let cut = folder.path("cut.jsonl")
    try writeFile(cut, bytes: try readFile(path) + Array("{\"instruction".utf8))
    RowThreads.use(3)
    var seen = 0
    let error = try #require(throws: Problem.self) {
      try RowSet.forEach([RowSource(path: cut, format: .alpaca)], renderer: renderer) { _ in
        seen += 1
      }
    }
    #expect(seen == 1500 && error.description.contains("cut.jsonl:1501"))
  }

  /// Whoever looks at rows may have seen enough; nothing more comes then.
  @Test func aRefusalEndsTheReading() throws {
    RowThreads.use(3)
    var seen = 0
    let error = try #require(throws: Problem.self) {
      try RowSet.forEach([RowSource(path: path, format: .alpaca)], renderer: renderer) {
        _ throws(Problem) in
        seen += 1
        if seen == 700 { throw Problem("test", "enough") }
      }
    }
    #expect(seen == 700 && error.description == "test: enough")
  }

  @Test(arguments: [1, 2, 7]) func workComesOutAsItWentIn(threads: Int) {
    let work = OrderedWork(threads: threads) { (item: Int) -> Int in
      // The earlier take longer.
      usleep(UInt32(max(0, 2000 - 100 * item)))
      return item * item
    }
    var results: [Int] = []
    for item in 0..<40 {
      work.submit(item)
      if work.inFlight > 5 { results.append(work.next()) }
    }
    while work.inFlight > 0 { results.append(work.next()) }
    #expect(results == (0..<40).map { $0 * $0 })
  }
}
