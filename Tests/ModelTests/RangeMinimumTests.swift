import TestSupport
import Testing

@testable import Model

@Suite struct RangeMinimumTests {
  @Test(arguments: [1, 2, 15, 16, 17, 33, 255, 257, 5000]) func isTheLeastOfTheRange(count: Int) {
    var random = SplitMix64(seed: UInt64(count))
    let numbers = random.integers(count, in: 0..<1_000_000)
    let minimum = RangeMinimum(numbers)
    for _ in 0..<300 {
      let start = Int.random(in: 0..<count, using: &random)
      let end = Int.random(in: start + 1...count, using: &random)
      #expect(minimum.minimum(start..<end) == numbers[start..<end].min())
    }
  }
}
