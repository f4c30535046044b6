/// Cuts a text into the words that byte-pair encoding works on: a pipeline of steps, each of which
/// cuts the pieces of the one before.
///
/// Every piece is a text of its own: a pattern does not see what lies around it.
struct PreTokenizer: Sendable {
  enum Step: Sendable {
    /// Cuts where `pattern` matches (or, inverted, where it does not).
    case split(Pattern, SplitBehavior, isInverted: Bool)
    /// Puts a space before each piece that does not start with one.
    case prefixSpace
  }

  /// What becomes of the matches (the delimiters), by the names of `tokenizer.json`.
  enum SplitBehavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"
  }

  /// Steps that see the text.
  let steps: [Step]
  /// Steps that see the text's bytes as spelled in the byte alphabet, as those that follow
  /// "ByteLevel" in `tokenizer.json` do. Only splits.
  let spelledSteps: [Step]

  /// Calls `body` with the words of `text` and the text they are ranges of, which is not `text`
  /// where a step inserted something: then there is an alignment with it.
  func cut(
    _ text: UnsafeBufferPointer<UInt8>, _ scratch: EncodingScratch,
    _ body: (UnsafeBufferPointer<UInt8>, [Range<Int>], AlignedText?) -> Void
  ) {
    if text.isEmpty { return }
    run(steps[...], on: text, pieces: [0..<text.count], nil, scratch, body)
  }

  private func run(
    _ steps: ArraySlice<Step>, on text: UnsafeBufferPointer<UInt8>, pieces: [Range<Int>],
    _ alignment: AlignedText?, _ scratch: EncodingScratch,
    _ body: (UnsafeBufferPointer<UInt8>, [Range<Int>], AlignedText?) -> Void
  ) {
    var pieces = pieces
    for (index, step) in zip(steps.indices, steps) {
      switch step {
      case .split(let pattern, let behavior, let isInverted):
        pieces = Self.split(text, pieces, pattern, behavior, isInverted, scratch.matching)
      case .prefixSpace:
        if pieces.allSatisfy({ text[$0.lowerBound] == UInt8(ascii: " ") }) { continue }
        let (prefixed, moved) = Self.prefixSpaces(text, pieces, alignment)
        return prefixed.bytes.withUnsafeBufferPointer {
          run(steps[(index + 1)...], on: $0, pieces: moved, prefixed, scratch, body)
        }
      }
    }
    body(text, spelledSteps.isEmpty ? pieces : cutSpelled(text, pieces, scratch), alignment)
  }

  // MARK: - Splitting

  private static func split(
    _ text: UnsafeBufferPointer<UInt8>, _ pieces: [Range<Int>], _ pattern: Pattern,
    _ behavior: SplitBehavior, _ isInverted: Bool, _ scratch: MatchScratch
  ) -> [Range<Int>] {
    var result: [Range<Int>] = []
    result.reserveCapacity(max(pieces.count, text.count / 4))
    for piece in pieces {
      let part = UnsafeBufferPointer(rebasing: text[piece])
      if behavior == .isolated {
        isolate(part, at: piece.lowerBound, pattern, scratch, into: &result)
        continue
      }
      let runs = runs(of: pattern, in: part, isInverted, scratch)
      for range in join(runs, behavior) where !range.isEmpty {
        result.append(range.lowerBound + piece.lowerBound..<range.upperBound + piece.lowerBound)
      }
    }
    return result
  }

  /// Matches and what lies between them, each a piece: the common case, without a list of runs.
  private static func isolate(
    _ part: UnsafeBufferPointer<UInt8>, at start: Int, _ pattern: Pattern, _ scratch: MatchScratch,
    into result: inout [Range<Int>]
  ) {
    var done = 0
    pattern.forEachMatch(in: part, scratch) { match in
      if done < match.lowerBound { result.append(start + done..<start + match.lowerBound) }
      if !match.isEmpty { result.append(start + match.lowerBound..<start + match.upperBound) }
      done = match.upperBound
    }
    if done < part.count { result.append(start + done..<start + part.count) }
  }

  /// The whole of `part` as matches and what lies between them.
  private static func runs(
    of pattern: Pattern, in part: UnsafeBufferPointer<UInt8>, _ isInverted: Bool,
    _ scratch: MatchScratch
  ) -> [(range: Range<Int>, isMatch: Bool)] {
    var runs: [(range: Range<Int>, isMatch: Bool)] = []
    var done = 0
    pattern.forEachMatch(in: part, scratch) { match in
      if done < match.lowerBound { runs.append((done..<match.lowerBound, isInverted)) }
      runs.append((match, !isInverted))
      done = match.upperBound
    }
    if done < part.count { runs.append((done..<part.count, isInverted)) }
    return runs
  }

  private static func join(
    _ runs: [(range: Range<Int>, isMatch: Bool)], _ behavior: SplitBehavior
  ) -> [Range<Int>] {
    switch behavior {
    case .isolated: return runs.map(\.range)
    case .removed: return runs.filter { !$0.isMatch }.map(\.range)
    case .contiguous: return join(runs) { isMatch, wasMatch in isMatch == wasMatch }
    case .mergedWithPrevious: return join(runs) { isMatch, wasMatch in isMatch && !wasMatch }
    case .mergedWithNext:
      return join(runs.reversed()) { isMatch, wasMatch in isMatch && !wasMatch }.reversed()
    }
  }

  /// Joins a run to the one before where `belongs` says so.
  private static func join(
    _ runs: [(range: Range<Int>, isMatch: Bool)],
    where belongs: (_ isMatch: Bool, _ wasMatch: Bool) -> Bool
  ) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var wasMatch = false
    for (range, isMatch) in runs {
      if belongs(isMatch, wasMatch), let last = result.popLast() {
        let start = min(last.lowerBound, range.lowerBound)
        result.append(start..<max(last.upperBound, range.upperBound))
      } else {
        result.append(range)
      }
      wasMatch = isMatch
    }
    return result
  }

  // MARK: - Rewriting

  private static func prefixSpaces(
    _ text: UnsafeBufferPointer<UInt8>, _ pieces: [Range<Int>], _ alignment: AlignedText?
  ) -> (AlignedText, [Range<Int>]) {
    var moved: [Range<Int>] = []
    let result = (alignment ?? AlignedText(text)).rewritten { text, result in
      for piece in pieces {
        let start = result.bytes.count
        if text[piece.lowerBound] != UInt8(ascii: " ") {
          result.append(UInt8(ascii: " "), from: piece.lowerBound..<piece.lowerBound)
        }
        for index in piece { result.append(text[index], from: index..<index + 1) }
        moved.append(start..<result.bytes.count)
      }
    }
    return (result, moved)
  }

  /// Applies the `spelledSteps`: spells the pieces, cuts the spelling, and brings the cuts back.
  private func cutSpelled(
    _ text: UnsafeBufferPointer<UInt8>, _ pieces: [Range<Int>], _ scratch: EncodingScratch
  ) -> [Range<Int>] {
    var spelled = AlignedText()
    var spelledPieces: [Range<Int>] = []
    for piece in pieces {
      let start = spelled.bytes.count
      for index in piece {
        let spelling = ByteAlphabet.spelling(of: CollectionOfOne(text[index]))
        spelled.append(spelling.utf8, from: index..<index + 1)
      }
      spelledPieces.append(start..<spelled.bytes.count)
    }
    spelled.bytes.withUnsafeBufferPointer { bytes in
      for case .split(let pattern, let behavior, let isInverted) in spelledSteps {
        spelledPieces = Self.split(
          bytes, spelledPieces, pattern, behavior, isInverted, scratch.matching)
      }
    }
    return spelledPieces.map { spelled.origin(of: $0) }
  }
}
