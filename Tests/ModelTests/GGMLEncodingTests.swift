import Formats
import Tensors
import TestSupport
import Testing

/// What is encoded, against the reference quantizers (scripts/golden/quantizers.py).
@Suite struct GGMLEncodingTests {
  static let types = GGMLBlocks.allCases.filter { $0.canEncode && $0 != .f32 }

  @Test(arguments: types) func encodesAsTheReference(type: GGMLBlocks) throws {
    let file = try SafetensorsFile(goldenPath("quantizers/blocks.safetensors"))
    let shape = try #require(file.tensors["values"]?.shape)
    let values = Tensor.zeros(shape)
    file.withBytes(of: "values") { bytes in
      values.withMutableBytes { $0.copyMemory(from: bytes) }
    }
    let expected = file.withBytes(of: "\(type.rawValue).blocks") { Array($0) }
    let encoded = type.encode(values)
    let row = encoded.count / shape[0]
    for index in 0..<shape[0] {
      let range = index * row..<(index + 1) * row
      #expect(encoded[range] == expected[range], "row \(index)")
    }
  }

  /// Relative errors of uniform numbers.
  static let bounds: [(type: GGMLBlocks, bound: Float)] = [
    (.q8_0, 0.006), (.q6_K, 0.02), (.q5_K, 0.04), (.q5_0, 0.06), (.q5_1, 0.05), (.q4_K, 0.08),
    (.q4_0, 0.12), (.q4_1, 0.1), (.f16, 0.0005), (.bf16, 0.003),
  ]

  /// What the decoder makes of the blocks is as near as their bits allow.
  @Test(arguments: bounds) func decodesToWhatItWas(type: GGMLBlocks, bound: Float) {
    var random = SplitMix64(seed: 5)
    let values = (0..<8 * 512).map { _ in Float.random(in: -1...1, using: &random) }
    let decoded = Tensor.zeros([8, 512])
    type.encode(.from(values, shape: [8, 512], .float32)).withUnsafeBytes {
      type.decode($0, into: decoded)
    }
    let differences = zip(decoded.toArray(Float.self), values).map { ($0 - $1) * ($0 - $1) }
    let size = values.map { $0 * $0 }.reduce(0, +)
    #expect((differences.reduce(0, +) / size).squareRoot() < bound)
  }

  @Test func takesRowsInAnotherOrder() {
    let values = Tensor.from([0, 1, 2, 3, 4, 5] as [Float], shape: [3, 2], .float32)
    let bytes = GGMLBlocks.f32.encode(values, order: [2, 0, 1])
    #expect(bytes == [4, 5, 0, 1, 2, 3].flatMap { withUnsafeBytes(of: $0 as Float) { Array($0) } })
  }

  @Test func knowsWhatItCannotEncode() {
    #expect(
      GGMLBlocks.allCases.filter(\.canEncode)
        == [.f32, .f16, .bf16, .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .q4_K, .q5_K, .q6_K])
  }
}
