import Formats
import TestSupport
import Testing

@testable import Rows

/// Sorting in parts gives what sorting at once does.
@Suite struct BeginningSorterTests {
  @Test(arguments: 0..<40) func partsAreMerged(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let documents = (0..<3).map { _ in random.integers(30, in: -5..<300) }
    let beginnings = (0..<Int.random(in: 1...200, using: &random)).map { _ -> ArraySlice<Int32> in
      let document = documents.randomElement(using: &random) ?? []
      let shared = document.prefix(Int.random(in: 0...30, using: &random))
      return (shared + random.integers(Int.random(in: 0...4, using: &random), in: -2..<2))[...]
    }
    let folder = try TemporaryDirectory()
    let path = folder.path("parts")
    let sorter = BeginningSorter(spillingTo: path, limit: Int.random(in: 1...800, using: &random))
    for beginning in beginnings { try sorter.add(beginning) }
    let merged = try sorter.finish()
    let order = BeginningOrder(beginnings)
    #expect(merged.places == order.places)
    #expect(merged.shared == order.shared && merged.lengths == order.lengths)
    #expect(!fileExists(path))
  }
}
