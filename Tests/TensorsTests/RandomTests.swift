import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct RandomNumbers {
    let key = RandomKey(seed: 0x0123_4567_89ab_cdef, purpose: 1, a: 2, b: 3)

    /// Known answers of Philox4x32-10 from the authors' Random123 distribution (kat_vectors).
    @Test func knownAnswers() {
      // Counter 0, key 0: 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
      let zero = Random(RandomKey(seed: 0, purpose: 0))
      let words: [UInt32] = [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
      for (index, word) in words.enumerated() {
        #expect(zero.uniform(index) == Float(word >> 8) * 0x1p-24)
      }
      // All bits set, counter and key: 408f276d 41c83b0e a20bc7c6 6d5451fd.
      let full = Random(RandomKey(seed: .max, purpose: .max, a: .max, b: .max))
      let last = 4 * Int(UInt32.max)
      let fullWords: [UInt32] = [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
      for (index, word) in fullWords.enumerated() {
        #expect(full.uniform(last + index) == Float(word >> 8) * 0x1p-24)
      }
    }

    @Test(arguments: raggedSizes + [40001]) func fillIsTheStream(count: Int) {
      let tensor = Tensor.zeros([count])
      Random.fillUniform(tensor, 0..<1, key: key)
      let random = Random(key)
      #expect(tensor.floats == (0..<count).map(random.uniform))
    }

    @Test func fillKeepsToItsRange() {
      let tensor = Tensor.zeros([100_000])
      Random.fillUniform(tensor, -0.25..<0.75, key: key)
      let values = tensor.floats
      #expect(values.allSatisfy { $0 >= -0.25 && $0 < 0.75 })
      let mean = doubles(values).reduce(0, +) / 100_000
      #expect(abs(mean - 0.25) < 0.004)  // four standard deviations
      // A range in which every number but the lower bound rounds to the upper one.
      Random.fillUniform(tensor, 1..<Float(1).nextUp, key: key)
      #expect(tensor.floats.allSatisfy { $0 == 1 })
    }

    @Test func everyPartOfTheKeyCounts() {
      let keys = [
        key, RandomKey(seed: 1, purpose: 1, a: 2, b: 3),
        RandomKey(seed: key.seed ^ 1 << 40, purpose: 1, a: 2, b: 3),
        RandomKey(seed: key.seed, purpose: 0, a: 2, b: 3),
        RandomKey(seed: key.seed, purpose: 1, a: 3, b: 3),
        RandomKey(seed: key.seed, purpose: 1, a: 2, b: 2),
      ]
      let streams = keys.map { key in (0..<8).map { Random(key).uniform($0) } }
      #expect(Set(streams).count == keys.count)
    }

    @Test(arguments: [0, 1, 2, 7, 1000]) func permutationHoldsEveryIndexOnce(count: Int) {
      let order = Random.permutation(count, key: key)
      #expect(order.sorted() == Array(0..<count))
      #expect(order == Random.permutation(count, key: key))
      if count > 7 {
        var other = key
        other.a += 1
        #expect(order != Random.permutation(count, key: other))
      }
    }

    @Test func permutationsAreEquallyLikely() {
      var counts: [[Int]: Int] = [:]
      for seed in 0..<6000 {
        counts[Random.permutation(3, key: RandomKey(seed: UInt64(seed), purpose: 0)), default: 0] +=
          1
      }
      #expect(counts.count == 6)
      // 1000 expected, standard deviation 29.
      #expect(counts.values.allSatisfy { abs($0 - 1000) < 130 })
    }
  }

  @Suite struct Dropout {
    let key = RandomKey(seed: 42, purpose: 7, a: 1, b: 2)

    @Test(arguments: [0.0, 0.05, 0.5, 0.9]) func keepsAsManyAsItShould(probability: Double) {
      let count = 200_000
      let out = Tensor.zeros([count])
      let ones = Tensor.floats([Float](repeating: 1, count: count))
      Kernels.dropout(x: ones, out: out, probability: probability, key: key)
      let kept = Float(1 / (1 - probability))
      let values = out.floats
      #expect(values.allSatisfy { $0 == 0 || $0 == kept })
      let share = Double(values.count { $0 == 0 }) / Double(count)
      let deviation = (probability * (1 - probability) / Double(count)).squareRoot()
      #expect(abs(share - probability) <= 4.5 * deviation)
    }

    @Test func probabilityOneDropsAll() {
      let out = Tensor.floats([5, 5])
      Kernels.dropout(x: .floats([1, 2]), out: out, probability: 1, key: key)
      #expect(out.floats == [0, 0])
    }

    @Test(arguments: raggedSizes + [40001]) func backwardUsesTheSameMask(count: Int) {
      var random = SplitMix64(seed: UInt64(count))
      let (x, before) = (random.floats(count, in: 0.5...1), random.floats(count))
      let out = Tensor.zeros([count])
      let dX = Tensor.floats(before)
      Kernels.dropout(x: .floats(x), out: out, probability: 0.3, key: key)
      Kernels.dropoutBackward(dOut: .floats(x), into: dX, probability: 0.3, key: key)
      #expect(dX.floats == zip(before, out.floats).map { $0 + $1 })

      let inPlace = Tensor.floats(x)
      Kernels.dropout(x: inPlace, out: inPlace, probability: 0.3, key: key)
      #expect(inPlace.floats == out.floats)
    }

    @Test func keysGiveDifferentMasks() {
      let ones = Tensor.floats([Float](repeating: 1, count: 1000))
      let masks = (0..<UInt32(4)).map { step in
        let out = Tensor.zeros([1000])
        Kernels.dropout(
          x: ones, out: out, probability: 0.5, key: RandomKey(seed: 1, purpose: 1, a: step))
        return out.floats
      }
      #expect(Set(masks).count == 4)
    }
  }
}
