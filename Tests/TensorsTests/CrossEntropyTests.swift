import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct CrossEntropy {
    let workspace = Workspace(capacity: 1 << 32)

    private func run(
      _ hidden: Tensor, _ weight: BaseWeight, _ labels: [Int32], cap: Float? = nil,
      scale: Double = 1, gradient: Bool = true
    ) -> (loss: Double, dHidden: [Float]) {
      let loss = Tensor.zeros([1], .float64)
      let dHidden = gradient ? Tensor.floats(hidden.floats, hidden.shape) : nil  // not zero
      Kernels.linearCrossEntropy(
        hidden: hidden, weight: weight, labels: .integers(labels), softCap: cap,
        gradientScale: scale, loss: loss, dHidden: dHidden, workspace: workspace)
      return (loss.scalar, dHidden?.floats ?? [])
    }

    /// The last two take several slices of the vocabulary.
    @Test(
      arguments: [
        (1, 1, 1), (7, 64, 5), (64, 577, 33), (10, 1025, 7), (5, 3000, 33),
      ], [nil, 2.5])
    func equalsReference(size: (T: Int, V: Int, D: Int), cap: Double?) {
      let (T, V, D) = size
      var random = SplitMix64(seed: UInt64(T + V))
      let (hidden, weight) = (random.floats(T * D, in: -3...3), random.floats(V * D))
      var labels = random.integers(T, in: 0..<Int32(V))
      for index in stride(from: 2, to: T, by: 3) { labels[index] = -100 }
      let result = run(
        .floats(hidden, [T, D]), .float32(.floats(weight, [V, D])), labels,
        cap: cap.map(Float.init), scale: 0.25)
      let (h, w) = (doubles(hidden), doubles(weight))
      let loss = Reference.crossEntropy(h, w, labels: labels, V: V, D: D, cap: cap)
      #expect(worstMismatch([result.loss], [loss], relative: 1e-6) == nil)
      let gradient = Reference.crossEntropyGradient(h, w, labels: labels, V: V, D: D, cap: cap)
      #expect(worstMismatch(result.dHidden, gradient.map { $0 * 0.25 }, absolute: 3e-6) == nil)
    }

    /// Enough labelled rows for two chunks of logits equal the same rows one half at a time.
    @Test func chunksAddUp() {
      let (T, V, D) = (290, 40000, 3)
      var random = SplitMix64(seed: 25)
      let hidden = random.floats(T * D, in: -3...3)
      let weight = BaseWeight.float32(.floats(random.floats(V * D), [V, D]))
      var labels = random.integers(T, in: 0..<Int32(V))
      for index in stride(from: 0, to: T, by: 7) { labels[index] = -100 }
      let whole = run(.floats(hidden, [T, D]), weight, labels)
      let half = T / 2
      let first = run(
        .floats(Array(hidden[..<(half * D)]), [half, D]), weight, Array(labels[..<half]))
      let second = run(
        .floats(Array(hidden[(half * D)...]), [T - half, D]), weight, Array(labels[half...]))
      #expect(worstMismatch([whole.loss], [first.loss + second.loss], relative: 1e-6) == nil)
      #expect(worstMismatch(whole.dHidden, first.dHidden + second.dHidden) == nil)
    }

    @Test(arguments: [nil, 1.5]) func gradientIsTheGradient(cap: Double?) {
      let (T, V, D) = (4, 9, 5)
      var random = SplitMix64(seed: 21)
      let (hidden, weight) = (random.floats(T * D), random.floats(V * D))
      let labels: [Int32] = [8, -100, 0, 3]
      let result = run(
        .floats(hidden, [T, D]), .float32(.floats(weight, [V, D])), labels,
        cap: cap.map(Float.init))
      let gradient = numericalGradient(
        of: { Reference.crossEntropy($0, doubles(weight), labels: labels, V: V, D: D, cap: cap) },
        at: doubles(hidden))
      #expect(worstMismatch(result.dHidden, gradient, relative: 1e-4, absolute: 1e-5) == nil)
      #expect(result.dHidden[D..<2 * D] == [0, 0, 0, 0, 0])
    }

    @Test func lossIsAddedAndNeedsNoGradient() {
      var random = SplitMix64(seed: 22)
      let hidden = Tensor.floats(random.floats(12), [3, 4])
      let weight = BaseWeight.float32(.floats(random.floats(40), [10, 4]))
      let labels: [Int32] = [1, 2, 3]
      let expected = run(hidden, weight, labels).loss
      let loss = Tensor.from([100.0], .float64)
      Kernels.linearCrossEntropy(
        hidden: hidden, weight: weight, labels: .integers(labels), gradientScale: 1,
        loss: loss, dHidden: nil, workspace: workspace)
      #expect(abs(loss.scalar - 100 - expected) < 1e-12)
      #expect(expected > 1)
    }

    @Test func withoutLabelsNothingHappens() {
      let result = run(
        .floats([1, 2, 3, 4], [2, 2]), .float32(.floats([1, 2, 3, 4, 5, 6], [3, 2])), [-100, -100])
      #expect(result.loss == 0)
      #expect(result.dHidden == [0, 0, 0, 0])
    }

    @Test func largeLogitsStayFinite() {
      let result = run(
        .floats([1000, -1000], [1, 2]), .float32(.floats([1, 0, 0, 1, -1, -1], [3, 2])), [1])
      #expect(result.loss == 2000)
      #expect(result.dHidden == [1, -1])
    }

    @Test func nf4HeadEqualsItsExpandedSelf() {
      let (T, V, D) = (9, 1500, 70)
      var random = SplitMix64(seed: 23)
      let stored = Kernels.nf4Quantize(
        .floats(random.floats(V * D), [V, D]), outputs: V, inputs: D, doubleQuantization: false)
      let expanded = Tensor.zeros([V, D])
      Kernels.nf4Dequantize(stored, into: expanded)
      let hidden = Tensor.floats(random.floats(T * D), [T, D])
      let labels = random.integers(T, in: 0..<Int32(V))
      let actual = run(hidden, .nf4(stored), labels)
      let expected = run(hidden, .float32(expanded), labels)
      #expect(worstMismatch([actual.loss], [expected.loss], relative: 1e-6) == nil)
      // Terms of size 1 cancel to some hundredths, in an order that differs between the two.
      #expect(worstMismatch(actual.dHidden, expected.dHidden, absolute: 4e-6) == nil)
    }

    @Test func bitsDoNotDependOnThreads() {
      let (T, V, D) = (300, 30000, 8)
      var random = SplitMix64(seed: 24)
      let hidden = Tensor.floats(random.floats(T * D, in: -2...2), [T, D])
      let weight = BaseWeight.float32(.floats(random.floats(V * D), [V, D]))
      let labels = random.integers(T, in: 0..<Int32(V))
      let difference = differenceBetweenThreadCounts {
        let result = run(hidden, weight, labels)
        return result.dHidden + [
          Float(bitPattern: UInt32(truncatingIfNeeded: result.loss.bitPattern))
        ]
      }
      #expect(difference == nil)
    }
  }
}
