import CKernels

/// Names one stream of random numbers. There is no generator state: number `i` of a stream is a
/// function of the key and `i` alone, so nothing has to be saved to go on where a run stopped.
package struct RandomKey: Hashable, Sendable {
  package var seed: UInt64
  /// What the numbers are for, so that two uses never share a stream.
  package var purpose: UInt32
  /// Free coordinates of the purpose, such as a step and a layer.
  package var a: UInt32
  package var b: UInt32

  package init(seed: UInt64, purpose: UInt32, a: UInt32 = 0, b: UInt32 = 0) {
    self.seed = seed
    self.purpose = purpose
    self.a = a
    self.b = b
  }

  var native: ck_random_key { ck_random_key(seed: seed, purpose: purpose, a: a, b: b) }
}

/// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random
/// numbers: as easy as 1, 2, 3"). The seed is the cipher's key; block number, purpose and the two
/// coordinates are its counter.
package struct Random {
  package let key: RandomKey

  /// Numbers of one stream: 2^32 blocks of four.
  static let longestStream = 1 << 34

  package init(_ key: RandomKey) { self.key = key }

  /// Number `index` of the stream, uniform in [0, 1), a multiple of 2^-24.
  package func uniform(_ index: Int) -> Float {
    precondition((0..<Random.longestStream).contains(index), "number \(index) of a stream")
    return Float(block(UInt32(index / 4))[index % 4] >> 8) * 0x1p-24
  }

  private func block(_ index: UInt32) -> [UInt32] {
    var words: [UInt32] = [0, 0, 0, 0]
    ck_random_block(key.native, index, &words)
    return words
  }

  /// 64 random bits.
  private func bits(_ index: Int) -> UInt64 {
    let words = block(UInt32(index / 2))
    return UInt64(words[2 * (index % 2)]) << 32 | UInt64(words[2 * (index % 2) + 1])
  }

  /// Fills a float32 tensor with numbers uniform in `range`; element i is number i of the stream.
  package static func fillUniform(_ tensor: Tensor, _ range: Range<Float>, key: RandomKey) {
    precondition(tensor.count <= longestStream, "random numbers for \(tensor.shape)")
    ck_random_uniform(
      key.native, range.lowerBound, range.upperBound, tensor.f32, tensor.count)
  }

  /// A uniform shuffle of 0 ..< count (Fisher & Yates; Durstenfeld 1964).
  package static func permutation(_ count: Int, key: RandomKey) -> [Int] {
    precondition(count <= longestStream / 2, "permutation of \(count)")
    let random = Random(key)
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      // The high half of a product maps 64 random bits to 0 ... last.
      let chosen = Int(random.bits(last).multipliedFullWidth(by: UInt64(last + 1)).high)
      order.swapAt(last, chosen)
    }
    return order
  }
}
