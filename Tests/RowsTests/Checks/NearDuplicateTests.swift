import TestSupport
import Testing

@testable import Rows

/// Signatures against the similarity that they stand for.
@Suite struct NearDuplicateTests {
  /// Two sets with `common` elements in common and `own` of their own each.
  private static func sets(
    common: Int, own: Int, _ random: inout SplitMix64
  ) -> ([UInt32], [UInt32]) {
    func drawn(_ count: Int) -> [UInt32] {
      (0..<count).map { _ in UInt32(truncatingIfNeeded: random.next() >> 16) }
    }
    let shared = drawn(common)
    return ((shared + drawn(own)).sorted(), (shared + drawn(own)).sorted())
  }

  /// The share of equal numbers estimates the similarity with a deviation of √(J(1-J)/84): over many
  /// pairs their mean is right, and none is five deviations off.
  @Test(arguments: [(10, 45), (40, 30), (100, 25), (90, 5), (400, 50)])
  func signaturesEstimateSimilarity(common: Int, own: Int) {
    var random = SplitMix64(seed: UInt64(common))
    let count = Double(MinHash.count)
    let similarity = Double(common) / Double(common + 2 * own)
    let deviation = (similarity * (1 - similarity) / count).squareRoot()
    var sum = 0.0
    let pairs = 60
    for _ in 0..<pairs {
      let (a, b) = Self.sets(common: common, own: own, &random)
      #expect(abs(ShingleSet.jaccard(a, b) - similarity) < 1e-12)
      let same = zip(MinHash.signature(a), MinHash.signature(b)).count { $0 == $1 }
      let estimate = Double(same) / count
      #expect(abs(estimate - similarity) < 5 * deviation)
      sum += estimate
    }
    #expect(abs(sum / Double(pairs) - similarity) < 4 * deviation / Double(pairs).squareRoot())
  }

  /// How often sets meet in a band is 1 - (1 - J⁷)¹².
  @Test(arguments: [(80, 10, 0.90), (90, 5, 0.99)])
  func similarSetsMeetInABand(common: Int, own: Int, least: Double) {
    var random = SplitMix64(seed: 9)
    let pairs = 100
    let met = (0..<pairs).count { _ in
      let (a, b) = Self.sets(common: common, own: own, &random)
      let keys = (MinHash.signature(a), MinHash.signature(b))
      return zip(MinHash.bandKeys(keys.0), MinHash.bandKeys(keys.1)).contains { $0 == $1 }
    }
    #expect(Double(met) >= least * Double(pairs))
  }

  @Test func candidatesAreFewAndOrdered() {
    var random = SplitMix64(seed: 11)
    var near = NearDuplicates()
    for number in 0..<200 {
      let (a, b) = Self.sets(common: 95, own: 3, &random)
      near.add(ShingleSet(all: a, answers: []), number: 3 * number)
      near.add(ShingleSet(all: b, answers: []), number: 3 * number + 1)
    }
    let pairs = near.candidates(except: { _ in false })
    #expect(pairs.count == 200)
    #expect(pairs.allSatisfy { $0.first % 3 == 0 && $0.second == $0.first + 1 })
    #expect(pairs.map(\.second) == pairs.map(\.second).sorted())
    let later = near.candidates(except: { $0 < 300 })
    #expect(later.count == 100)
  }

  /// Of long rows a sample is kept; it estimates the same similarity.
  @Test func longRowsAreSampled() {
    var random = SplitMix64(seed: 12)
    let shared = (0..<6000).map { _ in random.next() }
    let a = ShingleSet.shingles(shared + (0..<600).map { _ in random.next() })
    let b = ShingleSet.shingles(shared + (0..<600).map { _ in random.next() })
    #expect(a.count == ShingleSet.most && b.count == ShingleSet.most)
    let similarity = 6000.0 / 7200
    #expect(abs(ShingleSet.jaccard(a, b) - similarity) < 0.06)
  }

  @Test(arguments: [
    ("The ferry, it leaves.", "the  FERRY it\nleaves", true), ("a b", "b a", false),
    ("don’t stop", "don t stop", true), ("渡口开门。", "渡口开门", true), ("渡口", "渡", false),
    ("naïve", "naive", false), ("", "…!", true),
  ])
  func wordsAreCompared(a: String, b: String, isSame: Bool) {
    #expect((Words.hashes(Array(a.utf8)) == Words.hashes(Array(b.utf8))) == isSame)
  }

  @Test func charactersOfScriptsWithoutSpacesAreWords() {
    #expect(Words.hashes(Array("船长 says hi".utf8)).count == 4)
  }
}
