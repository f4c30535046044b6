import Formats
import Model
import Tensors
import TestSupport
import Testing

@Suite struct WeightsBlocksTests {
  @Test(arguments: GGMLBlocks.allCases) func decodesAsTheReference(type: GGMLBlocks) throws {
    let file = try SafetensorsFile(goldenPath("weights/blocks.safetensors"))
    let expected = try file.float32("\(type.rawValue).values")
    let out = Tensor.zeros(expected.shape)
    file.withBytes(of: "\(type.rawValue).blocks") { type.decode($0, into: out) }
    #expect(out.toArray(Float.self) == expected.toArray(Float.self))
  }

  @Test func agreesWithTheFormatOnSizes() {
    for type in GGMLType.allCases {
      guard let blocks = GGMLBlocks(rawValue: type.name) else { continue }
      #expect(blocks.blockBytes == type.blockBytes, "\(type)")
      #expect(blocks.blockElements == type.blockElements, "\(type)")
    }
    let decodable = Set(GGMLBlocks.allCases.map(\.rawValue))
    #expect(decodable.isSubset(of: GGMLType.allCases.map(\.name)))
  }

  @Test func undoesTheRowOrderOfRotatedHeads() {
    // Two heads of four rows: stored order 0 2 1 3 within each.
    let stored: [Float] = [0, 2, 1, 3, 10, 12, 11, 13]
    let out = Tensor.zeros([8, 1])
    stored.withUnsafeBytes { GGMLBlocks.f32.decode($0, into: out, headRows: 4) }
    #expect(out.toArray(Float.self) == [0, 1, 2, 3, 10, 11, 12, 13])
  }
}
