/// Signatures of sets: two sets agree in each number of theirs with a probability that is their Jaccard
/// similarity (Broder 1997). Bands of them find likely pairs without comparing all (Indyk & Motwani 1998).
enum MinHash {
  static let count = 84
  /// With 12 bands of 7, sets of similarity 0.8 meet in some band with probability 0.94, of 0.85 with 0.99,
  /// of 0.5 with 0.09.
  static let bands = 12

  /// The least hash of the set under each of `count` hash functions.
  static func signature(_ set: [UInt32]) -> [UInt32] {
    set.withUnsafeBufferPointer { set in
      seeds.map { seed in
        var least = UInt32.max
        for element in set {
          // A bijection of 32 bits for each seed: exclusive or, two odd factors, shifts.
          var hash = (element ^ seed) &* 0x7FEB_352D
          hash = (hash ^ (hash >> 15)) &* 0x846C_A68B
          hash ^= hash >> 16
          if hash < least { least = hash }
        }
        return least
      }
    }
  }

  /// One number for each band of a signature.
  static func bandKeys(_ signature: [UInt32]) -> [UInt32] {
    let length = count / bands
    return (0..<bands).map { band in
      var hash: UInt64 = UInt64(band)
      for value in signature[band * length..<(band + 1) * length] {
        hash = (hash ^ UInt64(value)) &* 0x9E37_79B9_7F4A_7C15
        hash ^= hash >> 32
      }
      return UInt32(truncatingIfNeeded: hash)
    }
  }

  /// Fixed, so that a file gives the same findings everywhere.
  private static let seeds: [UInt32] = (0..<count).map { index in
    var z = UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return UInt32(truncatingIfNeeded: z >> 32)
  }
}
