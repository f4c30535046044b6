import Formats

/// Alpaca rows whose lengths, in tokens of SmolLM2 with its template, are distributed as in the first
/// thousand rows of the Alpaca set. A function of their number and the seed.
///
/// What a padding batch costs depends on the lengths alone; what the rows say is ours (`JobWords`).
struct JobRows {
  /// Of the published order one with as much padding in batches of eight as the Alpaca rows have.
  static let seed: UInt64 = 11

  let train: [JSON]
  let heldOut: [JSON]

  init(train: Int = 999, heldOut: Int = 50) {
    var generator = SplitMix64(state: Self.seed)
    self.train = Self.rows(train, &generator)
    self.heldOut = Self.rows(heldOut, &generator)
  }

  private static func rows(_ count: Int, _ generator: inout SplitMix64) -> [JSON] {
    let questions = generator.shuffled(questionTokens.sample(count))
    let answers = generator.shuffled(answerTokens.sample(count))
    return zip(questions, answers).map { question, answer in
      let tool = Tool(generator.pick(JobWords.tools))
      let (instruction, input) = ask(tool, tokens: question, &generator)
      return [
        "instruction": .string(instruction), "input": .string(input),
        "output": .string(text(about: tool, tokens: answer, &generator)),
      ]
    }
  }

  // MARK: Lengths

  /// Tokens of instruction and input with the blank line between them, and of the answer, in the first
  /// 999 rows of the Alpaca set: share of the rows, and the length that they do not exceed.
  static let questionTokens = Quantiles([
    (0, 4), (0.05, 7), (0.1, 8), (0.15, 9), (0.2, 10), (0.25, 11), (0.3, 11), (0.35, 12), (0.4, 13),
    (0.45, 14), (0.5, 15), (0.55, 16), (0.6, 18), (0.65, 19), (0.7, 21), (0.75, 23), (0.8, 26),
    (0.85, 29), (0.9, 34), (0.95, 44), (0.97, 57), (0.99, 87), (1, 170),
  ])
  static let answerTokens = Quantiles([
    (0, 1), (0.05, 8), (0.1, 11), (0.15, 14), (0.2, 19), (0.25, 25), (0.3, 33), (0.35, 47),
    (0.4, 64), (0.45, 84), (0.5, 106), (0.55, 129), (0.6, 161), (0.65, 188), (0.7, 218),
    (0.75, 259), (0.8, 290), (0.85, 321), (0.9, 362), (0.95, 401), (0.97, 443), (0.99, 509),
    (1, 594),
  ])

  /// A distribution, straight between the given points.
  struct Quantiles {
    private let points: [(share: Double, value: Double)]

    init(_ points: [(share: Double, value: Double)]) { self.points = points }

    subscript(share: Double) -> Double {
      let next = points.firstIndex { $0.share > share } ?? points.count - 1
      let (low, high) = (points[max(0, next - 1)], points[next])
      guard high.share > low.share else { return high.value }
      let way = (share - low.share) / (high.share - low.share)
      return low.value + way * (high.value - low.value)
    }

    /// The middles of `count` equal shares, in rising order.
    func sample(_ count: Int) -> [Int] {
      (0..<count).map { Int(self[(Double($0) + 0.5) / Double(count)].rounded()) }
    }
  }

  // MARK: Texts

  private struct Tool {
    let words: [String]

    init(_ line: String) { words = line.split(separator: " ").map(String.init) }

    /// The sentence with its gaps filled.
    func fill(_ sentence: String, _ generator: inout SplitMix64) -> String {
      let facts = zip(["TOOL", "MATERIAL", "PLACE", "KEEPER", "VIRTUE"], words)
      var text = facts.reduce(sentence) { $0.replacing($1.0, with: $1.1) }
      for (gap, choices) in [
        ("DAY", JobWords.days), ("SEASON", JobWords.seasons), ("NUMBER", JobWords.numbers),
        ("LOOK", JobWords.looks),
      ] {
        text.replace(gap, with: generator.pick(choices))
      }
      return text
    }
  }

  /// Words and marks.
  private static func tokens(_ sentence: String) -> Int {
    sentence.split(separator: " ").count + sentence.count { ",.?".contains($0) }
  }

  private static let sentences = JobWords.sentences.map { (text: $0, tokens: tokens($0)) }
  private static let shortest = sentences.map(\.tokens).min() ?? 1
  /// An empty line; each of its two ends of a line is a token.
  private static let gap = 2

  /// A question in nearly that many tokens; what a sentence cannot hold becomes the input.
  private static func ask(
    _ tool: Tool, tokens count: Int, _ generator: inout SplitMix64
  ) -> (instruction: String, input: String) {
    let ways = JobWords.instructions.map { (text: $0, tokens: tokens($0)) }
    let longest = ways.map(\.tokens).max() ?? 0
    guard count > longest else {
      let nearest = ways.map { abs($0.tokens - count) }.min() ?? 0
      let near = ways.filter { abs($0.tokens - count) == nearest }
      return (tool.fill(generator.pick(near).text, &generator), "")
    }
    let way = generator.pick(ways.filter { count - $0.tokens - gap >= shortest })
    let input = text(about: tool, tokens: count - way.tokens - gap, &generator)
    return (tool.fill(way.text, &generator), input)
  }

  /// Sentences with that many tokens together, in paragraphs.
  private static func text(
    about tool: Tool, tokens count: Int, _ generator: inout SplitMix64
  ) -> String {
    guard count >= shortest else { return tool.fill(JobWords.crumbs[max(0, count)], &generator) }
    var (text, rest, paragraph) = ("", count, 0)
    var last = ""
    while rest > 0 {
      if paragraph > 48, rest >= shortest + gap {
        (text, rest, paragraph) = (text + "\n\n", rest - gap, 0)
      } else if !text.isEmpty {
        text += " "
      }
      let fitting = sentences.filter {
        ($0.tokens == rest || $0.tokens <= rest - shortest) && $0.text != last
      }
      let next = generator.pick(fitting)
      last = next.text
      text += tool.fill(next.text, &generator)
      rest -= next.tokens
      paragraph += next.tokens
    }
    return text
  }
}

/// Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (OOPSLA 2014).
private struct SplitMix64 {
  var state: UInt64

  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  // The standard library may choose in another way in another version; the rows must not.

  mutating func pick<Element>(_ choices: [Element]) -> Element {
    choices[Int(next().multipliedFullWidth(by: UInt64(choices.count)).high)]
  }

  mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
    var elements = elements
    for end in elements.indices.dropFirst().reversed() {
      elements.swapAt(end, pick(Array(0...end)))
    }
    return elements
  }
}
