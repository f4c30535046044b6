/// Numbers that look random and follow from a seed and from what they are for (SplitMix64: Steele, Lea &
/// Flood 2014, "Fast splittable pseudorandom number generators").
struct SeededNumbers {
  /// What numbers are for: two purposes never share numbers.
  enum Purpose: UInt64 { case split = 1, systemPrompt, paraphrase, typo }

  private var state: UInt64

  /// - Parameters:
  ///   - content: The row that the numbers are for.
  ///   - copy: Which copy of the row.
  init(_ purpose: Purpose, seed: UInt64, content: UInt64, copy: Int = 0) {
    var hash = ByteHash()
    for number in [purpose.rawValue, seed, content, UInt64(copy)] { hash.add(number: number) }
    state = hash.value
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// In 0 ..< 1.
  mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// In 0 ..< count.
  mutating func below(_ count: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(count)).high)
  }
}
