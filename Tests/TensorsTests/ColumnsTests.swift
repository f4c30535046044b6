import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct Columns {
    @Test(arguments: [1, 5, 300], [DataType.float32, .bfloat16])
    func blocksChangePlaces(T: Int, type: DataType) {
      var random = SplitMix64(seed: UInt64(T))
      let (width, blocks) = (3, [Int32(4), 0, 2])
      let x = Tensor.floats(random.floats(T * 5 * width), [T, 5 * width]).converted(to: type)
      let few = Tensor.zeros([T, blocks.count * width], type)
      Kernels.gatherColumns(x, blocks: blocks, out: few)
      let (from, to) = (x.widened, few.widened)
      for t in 0..<T {
        for (i, block) in blocks.enumerated() {
          let start = (t * 5 + Int(block)) * width
          #expect(
            to[(t * 3 + i) * width..<(t * 3 + i + 1) * width] == from[start..<start + width])
        }
      }
      // Scattered back, and the others as they were.
      let back = Tensor.zeros([T, 5 * width], type)
      Kernels.scatterColumns(few, blocks: blocks, out: back)
      for (index, value) in back.widened.enumerated() {
        let isThere = blocks.contains(Int32(index / width % 5))
        #expect(value == (isThere ? from[index] : 0))
      }
    }

    @Test(arguments: [(1, 1), (5, 3), (16, 16), (33, 70), (577, 2)])
    func transposes(rows: Int, columns: Int) {
      var random = SplitMix64(seed: UInt64(rows))
      let x = random.floats(rows * columns)
      let out = Tensor.zeros([columns, rows])
      Kernels.transpose(.floats(x, [rows, columns]), into: out)
      let expected = (0..<columns).flatMap { c in (0..<rows).map { x[$0 * columns + c] } }
      #expect(out.floats == expected)
    }

    @Test(arguments: [1, 577, 40_000]) func scaledSums(count: Int) {
      var random = SplitMix64(seed: UInt64(count))
      let (x, residual) = (random.floats(count), random.floats(count))
      let sum = Tensor.floats(residual)
      Kernels.addScaled(.floats(x), by: 0.7, residual: sum, into: sum)
      let expected = zip(x, residual).map { Double($1) + Double(Float(0.7)) * Double($0) }
      #expect(worstMismatch(sum.floats, expected) == nil)
      let narrow = Tensor.zeros([count], .bfloat16)
      Kernels.addScaled(.floats(x), by: 3, into: narrow)
      #expect(
        worstMismatch(narrow.widened, x.map { 3 * Double($0) }, relative: 1.0 / 256) == nil)
      let wide = Tensor.zeros([count])
      Kernels.addScaled(narrow, by: 2, into: wide)
      #expect(wide.floats == narrow.widened.map { 2 * $0 })
    }
  }
}
