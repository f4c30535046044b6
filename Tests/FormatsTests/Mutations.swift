/// SplitMix64 (Steele, Lea and Flood 2014): repeatable random numbers for tests.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// A damaged copy of a file: some bytes changed, some cut off the end, numbers made huge.
func damaged(_ bytes: [UInt8], seed: UInt64) -> [UInt8] {
  var random = SplitMix64(state: seed)
  var result = bytes
  for _ in 0..<Int.random(in: 1...4, using: &random) {
    let place = Int.random(in: 0..<result.count, using: &random)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: result[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: result[place] = UInt8.random(in: 0...255, using: &random)
    case 2: result[place] = UInt8.random(in: UInt8(ascii: "0")...UInt8(ascii: "9"), using: &random)
    case 3:
      for i in place..<min(place + 8, result.count) { result[i] = i == place + 7 ? 0x7F : 0xFF }
    default: result.removeLast(min(Int.random(in: 0..<result.count, using: &random), 64))
    }
    if result.isEmpty { return [] }
  }
  return result
}
