import Tensors
import Testing

@Suite struct SegmentsTests {
  @Test func startsAreSumsOfLengths() {
    let segments = Segments(lengths: [3, 0, 5])
    #expect(segments.starts == [0, 3, 3, 8])
    #expect((segments.tokens, segments.longest, segments.count) == (8, 5, 3))
  }

  @Test func nothingIsNoSegment() {
    let segments = Segments(lengths: [])
    #expect(segments.starts == [0])
    #expect((segments.tokens, segments.longest, segments.count) == (0, 0, 0))
  }

  @Test func scaleIsThatOfTheWidthUnlessGiven() {
    #expect(AttentionShape(heads: 4, kvHeads: 2, headDimension: 64).scale == 0.125)
    #expect(AttentionShape(heads: 4, kvHeads: 2, headDimension: 64, scale: 0.5).scale == 0.5)
  }
}
