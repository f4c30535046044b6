import Tensors
import Testing

@Suite struct SegmentsTests {
  @Test func startsAreSumsOfLengths() {
    let segments = Segments(lengths: [3, 0, 5])
    #expect(segments.starts == [0, 3, 3, 8])
    #expect((segments.tokens, segments.longest, segments.count) == (8, 5, 3))
  }

  @Test func aPrefixAndItsBranchesAreOneSequenceEach() {
    let segments = Segments(lengths: [4, 9, 0, 7, 2], prefixes: [nil, nil, 1, 1, nil])
    #expect(segments.prefixes == [-1, -1, 1, 1, -1])
    #expect((segments.tokens, segments.longest) == (22, 16))
    #expect(Segments(lengths: [3, 5], prefixes: [nil, nil]) == Segments(lengths: [3, 5]))
  }

  @Test(arguments: [[0, nil], [nil, 1], [nil, nil, 0], [nil, 0, 1], [nil, 2, nil]])
  func aBranchAwayFromItsPrefixTraps(prefixes: [Int?]) async {
    await #expect(processExitsWith: .failure) { [prefixes] in
      _ = Segments(lengths: prefixes.map { _ in 3 }, prefixes: prefixes)
    }
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
