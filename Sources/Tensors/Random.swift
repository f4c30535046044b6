/// Names one stream of random numbers. There is no generator state: number `i` of a stream is a
/// function of the key and `i` alone.
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
}

/// Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as
/// easy as 1, 2, 3").
package struct Random {
  package let key: RandomKey

  package init(_ key: RandomKey) { self.key = key }

  /// Number `index` of the stream, uniform in [0, 1).
  package func uniform(_ index: Int) -> Float {
    fatalError("not built yet")
  }

  /// Fills a float32 tensor with numbers uniform in `range`.
  package static func fillUniform(_ tensor: Tensor, _ range: Range<Float>, key: RandomKey) {
    fatalError("not built yet")
  }

  /// A shuffle of 0 ..< count.
  package static func permutation(_ count: Int, key: RandomKey) -> [Int] {
    fatalError("not built yet")
  }
}
