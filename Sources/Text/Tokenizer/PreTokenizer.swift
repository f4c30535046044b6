/// Cuts a text into the words that byte-pair encoding works on: a pipeline of steps, each of which
/// cuts the pieces of the one before.
///
/// Every piece is a text of its own: a pattern does not see what lies around it.
struct PreTokenizer: Sendable {
  enum Step: Sendable {
    /// Cuts where `pattern` matches (or, inverted, where it does not).
    case split(Pattern, SplitBehavior, isInverted: Bool)
    /// Cuts after every so many characters.
    case chunks(Int)
    /// Puts a space before each piece that does not start with one.
    case prefixSpace
    /// Writes `mark` for each space, and before pieces that do not start with it.
    case metaspace(mark: [UInt8], PrefixScheme)
    /// Writes bytes as the characters that spell them.
    case spelled

    var isSpelling: Bool { if case .spelled = self { true } else { false } }

    var isSplit: Bool {
      switch self {
      case .split, .chunks: true
      default: false
      }
    }
  }

  /// Which pieces get a mark before them.
  enum PrefixScheme: String, Sendable {
    case always, first, never
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

  init(steps: [Step], spelledSteps: [Step] = []) {
    self.steps = steps
    self.spelledSteps = spelledSteps
  }

  /// What a text is cut into.
  typealias Words = (
    text: UnsafeBufferPointer<UInt8>, words: [Range<Int>], alignment: AlignedText?
  )

  /// Calls `body` with the words of `text` and the text they are ranges of, which is not `text`
  /// where a step rewrote something: then there is an alignment with it.
  ///
  /// - Parameter isFirst: Whether the text begins the input.
  func cut(
    _ text: UnsafeBufferPointer<UInt8>, isFirst: Bool, isTracking: Bool, _ scratch: EncodingScratch,
    _ body: (Words) -> Void
  ) {
    if text.isEmpty { return }
    let run = Run(isFirst: isFirst, isTracking: isTracking, scratch: scratch)
    self.run(steps[...], on: (text, [0..<text.count], nil), run, body)
  }

  private struct Run {
    let isFirst: Bool
    let isTracking: Bool
    let scratch: EncodingScratch
  }

  private func run(
    _ steps: ArraySlice<Step>, on words: Words, _ run: Run, _ body: (Words) -> Void
  ) {
    var words = words
    for (index, step) in zip(steps.indices, steps) {
      if step.isSplit {
        words.words = Self.split(words.text, words.words, step, run.scratch)
        continue
      }
      guard let (rewritten, moved) = Self.rewrite(words, step, run) else { continue }
      return rewritten.bytes.withUnsafeBufferPointer {
        self.run(steps[(index + 1)...], on: ($0, moved, rewritten), run, body)
      }
    }
    if !spelledSteps.isEmpty { words.words = cutSpelled(words.text, words.words, run.scratch) }
    body(words)
  }

  // MARK: - Splitting

  private static func split(
    _ text: UnsafeBufferPointer<UInt8>, _ pieces: [Range<Int>], _ step: Step,
    _ scratch: EncodingScratch
  ) -> [Range<Int>] {
    switch step {
    case .split(let pattern, let behavior, let isInverted):
      return split(text, pieces, pattern, behavior, isInverted, scratch.matching)
    case .chunks(let length): return pieces.flatMap { chunks(of: length, in: text, $0) }
    case .prefixSpace, .metaspace, .spelled: return pieces
    }
  }

  private static func chunks(
    of length: Int, in text: UnsafeBufferPointer<UInt8>, _ piece: Range<Int>
  ) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var (start, end, characters) = (piece.lowerBound, piece.lowerBound, 0)
    while end < piece.upperBound {
      end += UTF8Text.length(ofScalarAt: end, in: text)
      characters += 1
      if characters == length || end == piece.upperBound {
        result.append(start..<end)
        (start, characters) = (end, 0)
      }
    }
    return result
  }

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

  /// The pieces rewritten one by one; nil where nothing changes.
  private static func rewrite(
    _ words: Words, _ step: Step, _ run: Run
  ) -> (AlignedText, [Range<Int>])? {
    let space = UInt8(ascii: " ")
    if case .prefixSpace = step, words.words.allSatisfy({ words.text[$0.lowerBound] == space }) {
      return nil
    }
    var moved: [Range<Int>] = []
    let rewrite = { (text: UnsafeBufferPointer<UInt8>, result: inout AlignedText) in
      for piece in words.words {
        let start = result.bytes.count
        switch step {
        case .prefixSpace:
          if text[piece.lowerBound] != space { result.append(space, from: piece.start) }
          result.copy(piece, of: text)
        case .metaspace(let mark, let scheme):
          let isMarked = text[piece.lowerBound] == space || text[piece].starts(with: mark)
          let wantsMark =
            scheme == .always || (scheme == .first && run.isFirst && piece.lowerBound == 0)
          if wantsMark, !isMarked { result.append(mark, from: piece.start) }
          writeMarks(mark, piece, of: text, &result)
        case .spelled:
          for index in piece {
            ByteAlphabet.appendSpelling(of: text[index], from: index..<index + 1, to: &result)
          }
        case .split, .chunks: result.copy(piece, of: text)
        }
        moved.append(start..<result.bytes.count)
      }
    }
    if let alignment = words.alignment { return (alignment.rewritten(rewrite), moved) }
    var result = AlignedText(
      isTracking: run.isTracking, capacity: words.text.count + words.text.count / 2 + 16)
    rewrite(words.text, &result)
    return (result, moved)
  }

  /// Copies a piece with `mark` for each space.
  private static func writeMarks(
    _ mark: [UInt8], _ piece: Range<Int>, of text: UnsafeBufferPointer<UInt8>,
    _ result: inout AlignedText
  ) {
    var done = piece.lowerBound
    for index in piece where text[index] == UInt8(ascii: " ") {
      if done < index { result.copy(done..<index, of: text) }
      result.append(mark, from: index..<index + 1)
      done = index + 1
    }
    if done < piece.upperBound { result.copy(done..<piece.upperBound, of: text) }
  }

  /// Applies the `spelledSteps`: spells the pieces, cuts the spelling, and brings the cuts back.
  private func cutSpelled(
    _ text: UnsafeBufferPointer<UInt8>, _ pieces: [Range<Int>], _ scratch: EncodingScratch
  ) -> [Range<Int>] {
    var spelled = AlignedText(isTracking: true, capacity: text.count * 2)
    var spelledPieces: [Range<Int>] = []
    for piece in pieces {
      let start = spelled.bytes.count
      for index in piece {
        ByteAlphabet.appendSpelling(of: text[index], from: index..<index + 1, to: &spelled)
      }
      spelledPieces.append(start..<spelled.bytes.count)
    }
    spelled.bytes.withUnsafeBufferPointer { bytes in
      for step in spelledSteps {
        spelledPieces = Self.split(bytes, spelledPieces, step, scratch)
      }
    }
    return spelledPieces.map { spelled.origin(of: $0) }
  }
}

extension Range<Int> {
  /// The empty range before this one.
  fileprivate var start: Range<Int> { lowerBound..<lowerBound }
}
