import Formats
import TestSupport

/// Rows that nobody has to look at: varied, of words from lists, with everything in them that a careless
/// check takes for damage.
struct GoodRows {
  private var random: SplitMix64

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  /// A row of `messages`, another one with each call.
  mutating func next() -> JSON {
    switch Int.random(in: 0..<8, using: &random) {
    case 0: return Self.conversation([(sentences(1), sentences(3)), (sentences(1), sentences(2))])
    case 1: return Self.conversation([(sentences(2), code())])
    case 2: return toolUse()
    case 3, 4:
      return Self.conversation([(sentences(1), sentences(2) + " " + oddity() + " " + sentences(2))])
    default: return Self.conversation([(sentences(2), sentences(4))])
    }
  }

  mutating func sentences(_ count: Int) -> String {
    (0..<count).map { _ in sentence() }.joined(separator: " ")
  }

  static func row(_ messages: [JSON]) -> JSON { ["messages": .array(messages)] }

  static func message(_ role: String, _ content: String) -> JSON {
    ["role": .string(role), "content": .string(content)]
  }

  private static func conversation(_ turns: [(String, String)]) -> JSON {
    row(turns.flatMap { [message("user", $0.0), message("assistant", $0.1)] })
  }

  private mutating func word(_ words: [String]) -> String {
    words.randomElement(using: &random) ?? ""
  }

  private mutating func sentence() -> String {
    let parts = [
      word(Self.openings), "the", word(Self.adjectives), word(Self.nouns), word(Self.verbs), "the",
      word(Self.adjectives), word(Self.nouns), word(Self.places), "the", word(Self.nouns),
      word(Self.times),
    ]
    return parts.joined(separator: " ") + word([".", ".", ".", "!", "?"])
  }

  private mutating func code() -> String {
    let number = Int.random(in: 10..<10_000, using: &random)
    let (first, second) = (word(Self.nouns), word(Self.nouns))
    return """
      \(sentence())
      ```swift
      @discardableResult
      func \(first)(_ \(second): Int) -> [Int] {
          return Array(repeating: \(number), count: \(second) * 2)  // 0x\(String(number, radix: 16))
      }
      ```
      \(sentence())
      """
  }

  private mutating func toolUse() -> JSON {
    let port = word(Self.nouns)
    let tool: JSON = [
      "type": "function",
      "function": [
        "name": "next_ferry", "description": "When the next ferry leaves",
        "parameters": ["type": "object", "required": ["port"]],
      ],
    ]
    let call: JSON = [
      "type": "function",
      "function": ["name": "next_ferry", "arguments": ["port": .string(port)]],
    ]
    var row = Self.row([
      Self.message("user", sentences(2)),
      ["role": "assistant", "content": "", "tool_calls": [call]],
      Self.message("tool", "{\"minutes\": \(Int.random(in: 1..<500, using: &random))}"),
      Self.message("assistant", sentences(3)),
    ])
    row.set("tools", [tool])
    return row
  }

  /// Something harmless that looks like harm.
  private mutating func oddity() -> String {
    let number = Int.random(in: 1000..<9999, using: &random)
    return word([
      "It cost \(number).50 euros on 2024-03-17 at 08:45:00, invoice \(number)-\(number)-\(number).",
      "Its server is 192.168.0.\(number % 250) or 127.0.0.1, version 12.4.31.\(number % 100).",
      "See https://ferry.example.org/a/\(number)?x=1&y=2 and section 4.11.2.1 for more.",
      "« C’est déjà l’été », dit-il à la fin ; «\u{A0}voilà\u{A0}», et «\u{A0}café\u{A0}» aussi.",
      "São Paulo, Ærø, Łódź, naïve, ÜBERGRÖSSE, Ñandú \(number), 25\u{A0}°C, ½ and £\(number).",
      "渡口在早上六点开门，船长说今天有雾。编号\(number)。",
      "می\u{200C}خواهم با قایق بروم \(number).",
      "👩\u{200D}🚀 and 🏳️\u{200D}🌈 came aboard \(number) times 🎉.",
      "1234567890123456 is ticket number \(number)0000, pi is 3.14159265358979, e is 2.718281828459045.",
      "Write @override before it, then a@b, then pkg@\(number).2.1 and icon@2x.png.",
      "x = {\"a\": [\(number), 2], \"b\": null}; if (x < 3 && y > 4) { return; } // TODO later",
      "The ISBN is 978-0-306-40615-\(number % 10), the order 0\(number)/2023/77, ratio 16:9.",
      "Call order: f(1), g(22), h(\(number)); phone booths are red, fax machines are gone.",
      "He said: \"N/A is no answer, and null is none either.\" That was in \(number).",
    ])
  }

  private static let openings = [
    "Today", "Yesterday", "Sometimes", "Usually", "At dawn", "In fog", "Without warning", "Later",
    "Before noon", "For once", "As ever", "In spring", "By lantern", "After rain", "On Sundays",
    "Quietly", "With luck", "Against advice", "In the end", "Now and then",
  ]
  private static let adjectives = [
    "old", "green", "heavy", "narrow", "patient", "rusty", "bright", "silent", "crooked", "warm",
    "hollow", "salty", "careful", "broken", "swift", "gentle", "muddy", "tall", "empty", "golden",
    "stubborn", "pale", "wooden", "distant", "curious", "frozen", "loud", "humble", "wild", "round",
  ]
  private static let nouns = [
    "ferry", "rope", "lantern", "bell", "mule", "harbor", "letter", "baker", "river", "bridge",
    "window", "garden", "teacher", "kettle", "mountain", "violin", "market", "captain", "orchard",
    "candle", "island", "ladder", "mirror", "wagon", "tower", "carpet", "engine", "village",
    "hammer", "forest", "library", "pocket", "saddle", "anchor", "chimney", "blanket", "doctor",
    "shepherd", "sparrow", "barrel", "compass", "theater", "puppet", "glacier", "magnet",
  ]
  private static let verbs = [
    "follows", "carries", "paints", "hides", "repairs", "remembers", "leaves", "finds", "watches",
    "lifts", "sells", "borrows", "crosses", "forgets", "praises", "measures", "cleans", "draws",
    "awaits", "greets", "moves", "counts", "breaks", "guards", "trades",
  ]
  private static let places = [
    "near", "behind", "above", "below", "beside", "beyond", "inside", "outside", "around", "across",
  ]
  private static let times = [
    "all day", "at once", "for years", "in winter", "twice a week", "until dark", "every morning",
    "without a word", "for nothing", "by mistake", "once more", "in silence", "on purpose",
    "as promised", "too early", "in a hurry",
  ]
}
