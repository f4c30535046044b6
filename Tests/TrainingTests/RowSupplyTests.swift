import Formats
import Foundation
import Recipes
import TestSupport
import Testing
import Training

/// The adapter has the same bytes wherever the rows come from.
@Suite struct RowSupplyTests {
  let runs: TrainerTests

  init() throws { runs = try TrainerTests() }

  private var cache: String { runs.folder.path("cache") }

  private func cached(_ settings: [String] = []) -> [String] {
    ["data.cache=always", "data.cache_directory=\(cache)"] + settings
  }

  private struct Seen {
    var warnings: [String] = []
    var isRead = false
  }

  private func run(_ recipe: Recipe, resume: Bool = false, stopAfter: Int? = nil) throws -> Seen {
    var seen = Seen()
    try runs.run(recipe, resume: resume, stopAfter: stopAfter) { event in
      if case .warning(let text) = event { seen.warnings.append(text) }
      if case .rows = event { seen.isRead = true }
    }
    return seen
  }

  @Test(arguments: ["auto", "grouped"]) func aCacheChangesNoBit(sharing: String) throws {
    let sharing = "training.shared_prefix=\(sharing)"
    let memory = try runs.recipe("memory", sharing)
    let inMemory = try run(memory)
    #expect(inMemory.isRead && !directoryExists(cache))
    let built = try runs.recipe("built", cached([sharing, "training.threads=1"]))
    #expect(try run(built).isRead)
    let opened = try runs.recipe("opened", cached([sharing, "training.threads=3"]))
    let warm = try run(opened)
    #expect(!warm.isRead && warm.warnings == inMemory.warnings)
    for recipe in [built, opened] {
      #expect(try runs.adapterBytes(recipe) == runs.adapterBytes(memory))
      #expect(try runs.timeless(recipe) == runs.timeless(memory))
      #expect(
        try readFile(recipe.output.directory + "/rows.jsonl")
          == readFile(memory.output.directory + "/rows.jsonl"))
    }
  }

  /// A run that began without a cache goes on with one, and the other way round.
  @Test func aRunMayGoOnWithTheOther() throws {
    let whole = try runs.recipe("whole")
    _ = try run(whole)
    let plain = try runs.recipe("parts")
    let other = try runs.recipe("parts", cached())
    _ = try run(plain, stopAfter: 2)
    _ = try run(other, resume: true, stopAfter: 3)
    _ = try run(plain, resume: true)
    #expect(try runs.adapterBytes(plain) == runs.adapterBytes(whole))
  }

  @Test func aDamagedCacheIsMadeAgainWithOneRemark() throws {
    let first = try runs.recipe("first", cached())
    _ = try run(first)
    let name = try #require(try directoryEntries(cache).first { directoryExists("\(cache)/\($0)") })
    let tokens = "\(cache)/\(name)/tokens.h5"
    try writeFile(tokens, bytes: Array(try readFile(tokens).dropLast(100)))
    let second = try runs.recipe("second", cached())
    let seen = try run(second)
    #expect(seen.isRead && seen.warnings.count { $0.contains("made again") } == 1)
    #expect(try runs.adapterBytes(second) == runs.adapterBytes(first))
  }

  /// Small files are not worth a cache.
  @Test func autoKeepsSmallFilesInMemory() throws {
    let recipe = try runs.recipe("small", "data.cache_directory=\(cache)")
    #expect(try run(recipe).isRead && !directoryExists(cache))
  }
}
