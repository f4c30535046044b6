/// A damaged copy of a file: some bits or bytes changed, numbers made huge, the end cut off.
///
/// `within` bounds the changed places, counted from the start; by default everything.
package func damaged(_ bytes: [UInt8], seed: UInt64, within limit: Int = .max) -> [UInt8] {
  var random = SplitMix64(seed: seed)
  var result = bytes
  for _ in 0..<Int.random(in: 1...4, using: &random) {
    if result.isEmpty { break }
    let place = Int.random(in: 0..<min(result.count, limit), using: &random)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: result[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: result[place] = UInt8.random(in: 0...255, using: &random)
    case 2: result[place] = UInt8.random(in: UInt8(ascii: "0")...UInt8(ascii: "9"), using: &random)
    case 3:
      for i in place..<min(place + 8, result.count) { result[i] = i == place + 7 ? 0x7F : 0xFF }
    default: result.removeLast(Int.random(in: 0..<min(result.count, 64), using: &random))
    }
  }
  return result
}
