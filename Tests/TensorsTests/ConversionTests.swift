import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct Conversion {
    private let everyPattern = Tensor.from((0...UInt16.max).map { $0 }, .bfloat16)

    @Test func everyBFloat16() {
      let wide = Tensor.zeros([65536])
      Kernels.convert(everyPattern, into: wide)
      let back = Tensor.zeros([65536], .bfloat16)
      Kernels.convert(wide, into: back)
      let (values, bits) = (wide.floats, back.toArray(UInt16.self))
      for pattern in 0...65535 {
        let value = values[pattern]
        #expect(value.bitPattern == UInt32(pattern) << 16, "pattern \(pattern)")
        // A signalling NaN comes back quiet.
        let expected = value.isNaN ? UInt16(pattern) | 0x40 : UInt16(pattern)
        #expect(bits[pattern] == expected, "pattern \(pattern)")
      }
    }

    @Test func everyFloat16() {
      let halves = Tensor.from((0...UInt16.max).map { $0 }, .float16)
      let wide = Tensor.zeros([65536])
      Kernels.convert(halves, into: wide)
      let back = Tensor.zeros([65536], .float16)
      Kernels.convert(wide, into: back)
      let (values, bits) = (wide.floats, back.toArray(UInt16.self))
      for pattern in 0...65535 {
        let expected = Float16(bitPattern: UInt16(pattern))
        if expected.isNaN {
          #expect(values[pattern].isNaN && Float16(bitPattern: bits[pattern]).isNaN)
        } else {
          #expect(values[pattern].bitPattern == Float(expected).bitPattern, "pattern \(pattern)")
          #expect(bits[pattern] == UInt16(pattern))
        }
      }
    }

    /// All borders between neighbours, and numbers just off them.
    @Test func float32RoundsToNearestEven() {
      var values: [Float] = [
        0, -0.0, .infinity, -.infinity, .greatestFiniteMagnitude, 65519.996, 65520,
      ]
      for pattern in stride(from: 0, to: 0x7c00, by: 1) {
        let border =
          (Float(Float16(bitPattern: UInt16(pattern)))
            + Float(Float16(bitPattern: UInt16(pattern + 1)))) / 2
        values += [border, border.nextUp, border.nextDown, -border]
      }
      for pattern in stride(from: UInt32(0), to: 0x7f80, by: 1) {
        let border = Float(bitPattern: pattern << 16 | 0x8000)
        values += [border, border.nextUp, border.nextDown, -border]
      }
      let wide = Tensor.floats(values)
      let (half, brain) = (
        Tensor.zeros([values.count], .float16), Tensor.zeros([values.count], .bfloat16)
      )
      Kernels.convert(wide, into: half)
      Kernels.convert(wide, into: brain)
      let (halfBits, brainBits) = (half.toArray(UInt16.self), brain.toArray(UInt16.self))
      for (index, value) in values.enumerated() {
        #expect(halfBits[index] == Float16(value).bitPattern, "\(value) to float16")
        #expect(brainBits[index] == nearestBFloat16(value), "\(value) to bfloat16")
      }
    }

    /// By its definition: the nearer neighbour, of two equally near ones the even one.
    private func nearestBFloat16(_ value: Float) -> UInt16 {
      let down = UInt16(value.bitPattern >> 16)  // towards zero
      if value.isInfinite || Float(bitPattern: UInt32(down) << 16) == value { return down }
      let below = Double(Float(bitPattern: UInt32(down) << 16).magnitude)
      let up = Float(bitPattern: UInt32(down + 1) << 16)
      let above = up.isInfinite ? 0x1p128 : Double(up.magnitude)
      let (toBelow, toAbove) = (Double(value.magnitude) - below, above - Double(value.magnitude))
      if toBelow == toAbove { return down % 2 == 0 ? down : down + 1 }
      return toBelow < toAbove ? down : down + 1
    }

    @Test func nanStaysNaN() {
      let (half, brain) = (Tensor.zeros([2], .float16), Tensor.zeros([2], .bfloat16))
      // The second has only low bits, which rounding must not carry into infinity.
      let wide = Tensor.floats([.nan, Float(bitPattern: 0x7f80_0001)])
      for target in [half, brain] {
        Kernels.convert(wide, into: target)
        let back = Tensor.zeros([2])
        Kernels.convert(target, into: back)
        #expect(back.floats.allSatisfy { $0.isNaN })
      }
    }

    @Test(arguments: [1, 577, 100_000]) func isFiniteFindsAnyBadElement(count: Int) {
      var values = [Float](repeating: .greatestFiniteMagnitude, count: count)
      #expect(Kernels.isFinite(.floats(values)))
      for bad in [Float.nan, .infinity, -.infinity, Float(bitPattern: 0x7f80_0001)] {
        for place in [0, count / 2, count - 1] {
          let saved = values[place]
          values[place] = bad
          #expect(!Kernels.isFinite(.floats(values)))
          values[place] = saved
        }
      }
    }

    @Test func isFiniteOfOtherTypes() {
      #expect(Kernels.isFinite(.from([1.0, -1e308], .float64)))
      #expect(!Kernels.isFinite(.from([1.0, Double.nan], .float64)))
      #expect(Kernels.isFinite(.from([UInt16(0x7f7f), 0xff7f], .bfloat16)))
      #expect(!Kernels.isFinite(.from([UInt16(0x7f7f), 0xff80], .bfloat16)))
      #expect(Kernels.isFinite(.from([UInt16(0x7bff), 0xfbff], .float16)))
      #expect(!Kernels.isFinite(.from([UInt16(0x7c01)], .float16)))
      #expect(Kernels.isFinite(.from([Int32.min], .int32)))
    }
  }
}
