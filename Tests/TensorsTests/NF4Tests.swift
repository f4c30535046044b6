import Foundation
import Tensors
import TestSupport
import Testing

/// One line of Tests/Golden/nf4/cases.txt, and its file.
private struct NF4Case {
  let name: String
  let outputs: Int
  let inputs: Int
  let dataType: DataType

  static func all() throws -> [NF4Case] {
    try lines(of: "cases.txt").map { fields in
      NF4Case(
        name: fields[0], outputs: Int(fields[1]) ?? 0, inputs: Int(fields[2]) ?? 0,
        dataType: ["float32": .float32, "bfloat16": .bfloat16][fields[3]] ?? .float16)
    }
  }

  static func lines(of file: String) throws -> [[String]] {
    let text = try String(contentsOfFile: goldenPath("nf4/\(file)"), encoding: .utf8)
    return text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
  }

  var count: Int { outputs * inputs }
  var blocks: Int { (count + 63) / 64 }

  /// The parts of the file, in the order of scripts/golden/nf4.py.
  struct Parts {
    let weight, codes, absmax, values, absmaxCodes, absmax2, offset, nestedValues: [UInt8]
  }

  func parts() throws -> Parts {
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: goldenPath("nf4/\(name).bin"))))[...]
    func take(_ length: Int) -> [UInt8] {
      defer { bytes = bytes.dropFirst(length) }
      return Array(bytes.prefix(length))
    }
    let valueBytes = count * dataType.size
    return Parts(
      weight: take(valueBytes), codes: take((count + 1) / 2), absmax: take(blocks * 4),
      values: take(valueBytes), absmaxCodes: take(blocks), absmax2: take((blocks + 255) / 256 * 4),
      offset: take(4), nestedValues: take(valueBytes))
  }
}

extension Tensor {
  fileprivate var bytes: [UInt8] { withBytes { Array($0) } }

  fileprivate static func from(bytes: [UInt8], shape: [Int], _ dataType: DataType) -> Tensor {
    let tensor = zeros(shape, dataType)
    tensor.withMutableBytes { $0.copyBytes(from: bytes) }
    return tensor
  }
}

/// FNV-1a.
private func hash(_ bytes: [UInt8]) -> String {
  let value = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

extension KernelTests {
  @Suite struct NF4 {
    @Test func equalsBitsandbytes() throws {
      let cases = try NF4Case.all()
      #expect(cases.count > 10)
      for test in cases {
        let parts = try test.parts()
        let weight = Tensor.from(
          bytes: parts.weight, shape: [test.outputs, test.inputs], test.dataType)

        let plain = quantize(weight, test, doubleQuantization: false)
        #expect(plain.codes.bytes == parts.codes, "codes of \(test.name)")
        guard case .plain(let absmax) = plain.absmax else { Issue.record("not plain"); return }
        #expect(absmax.bytes == parts.absmax, "absmax of \(test.name)")
        #expect(dequantize(plain) == parts.values, "values of \(test.name)")

        let nested = quantize(weight, test, doubleQuantization: true)
        #expect(nested.codes.bytes == parts.codes, "codes of \(test.name), double quantization")
        guard case .nested(let codes, let absmax2, _, let offset) = nested.absmax else {
          Issue.record("not nested")
          return
        }
        #expect(codes.bytes == parts.absmaxCodes, "absmax codes of \(test.name)")
        #expect(absmax2.bytes == parts.absmax2, "absmax2 of \(test.name)")
        #expect(Tensor.floats([offset]).bytes == parts.offset, "offset of \(test.name)")
        #expect(dequantize(nested) == parts.nestedValues, "nested values of \(test.name)")
      }
    }

    private func quantize(_ weight: Tensor, _ test: NF4Case, doubleQuantization: Bool) -> NF4Weight
    {
      Kernels.nf4Quantize(
        weight, outputs: test.outputs, inputs: test.inputs, doubleQuantization: doubleQuantization)
    }

    /// The bytes of the values in their own type.
    private func dequantize(_ weight: NF4Weight) -> [UInt8] {
      let values = Tensor.zeros([weight.outputs, weight.inputs])
      Kernels.nf4Dequantize(weight, into: values)
      let narrow = Tensor.zeros(values.shape, weight.valueType)
      Kernels.convert(values, into: narrow)
      let again = Tensor.zeros(values.shape)
      Kernels.convert(narrow, into: again)
      #expect(firstDifference(again.floats, values.floats) == nil, "values were not rounded")
      return narrow.bytes
    }

    @Test func mapEqualsBitsandbytes() throws {
      let weight = Kernels.nf4Quantize(
        .floats([1, 2, 3]), outputs: 1, inputs: 3, doubleQuantization: true)
      guard case .nested(_, _, let quantMap, _) = weight.absmax else {
        Issue.record("not nested")
        return
      }
      let expected = [UInt8](try Data(contentsOf: URL(filePath: goldenPath("nf4/map.bin"))))
      #expect(quantMap.bytes == expected)
    }

    /// The mean has to be PyTorch's to the last bit, whose order of additions depends on the count.
    @Test func doubleQuantizationOfAnyNumberOfBlocks() throws {
      for fields in try NF4Case.lines(of: "absmax.txt") {
        let count = try #require(Int(fields[0]))
        var random = SplitMix64(seed: UInt64(count))
        var weight = [Float](repeating: 0, count: count * 64)
        for block in 0..<count { weight[block * 64 + 5] = Float(random.next() >> 40) * 0x1p-24 }
        let quantized = Kernels.nf4Quantize(
          .floats(weight), outputs: count, inputs: 64, doubleQuantization: true)
        guard case .nested(let codes, let absmax2, _, let offset) = quantized.absmax else {
          Issue.record("not nested")
          return
        }
        #expect(offset.bitPattern == UInt32(fields[1], radix: 16), "mean of \(count)")
        #expect(hash(codes.bytes) == fields[2], "codes of \(count)")
        #expect(hash(absmax2.bytes) == fields[3], "absmax2 of \(count)")
      }
    }

    /// Half the widest gap between codes is 0.152 (between -1 and -0.696).
    @Test(arguments: [(1, 1), (7, 65), (64, 64), (577, 130)])
    func errorIsWithinHalfABin(outputs: Int, inputs: Int) {
      var random = SplitMix64(seed: UInt64(outputs))
      let weight = random.floats(outputs * inputs)
      let out = Tensor.zeros([outputs, inputs])
      let quantized = Kernels.nf4Quantize(
        .floats(weight), outputs: outputs, inputs: inputs, doubleQuantization: false)
      Kernels.nf4Dequantize(quantized, into: out)
      for (index, (value, original)) in zip(out.floats, weight).enumerated() {
        let block = weight[index / 64 * 64..<min(index / 64 * 64 + 64, weight.count)]
        let absmax = block.map(\.magnitude).max() ?? 0
        #expect(abs(value - original) <= 0.15191 * absmax)
      }
    }

    @Test func valueTypeCanBeChosen() {
      let weight = Kernels.nf4Quantize(
        .floats([0.3, 1.0001]), outputs: 1, inputs: 2, doubleQuantization: false,
        valueType: .bfloat16)
      let out = Tensor.zeros([1, 2])
      Kernels.nf4Dequantize(weight, into: out)
      #expect(out.floats.allSatisfy { $0.bitPattern & 0xffff == 0 })
      #expect(out.floats[1] == 1)
    }

    @Test func bitsDoNotDependOnThreads() {
      var random = SplitMix64(seed: 8)
      let weight = Tensor.floats(random.floats(577 * 650))
      let difference = differenceBetweenThreadCounts {
        let quantized = Kernels.nf4Quantize(
          weight, outputs: 577, inputs: 650, doubleQuantization: true)
        let out = Tensor.zeros([577, 650])
        Kernels.nf4Dequantize(quantized, into: out)
        return out.floats
      }
      #expect(difference == nil)
    }
  }
}
