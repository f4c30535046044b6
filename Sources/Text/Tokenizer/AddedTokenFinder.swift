/// A token that is found in the text before anything else happens to it, such as `<|im_end|>`.
/// The switches are those of `tokenizer.json`.
struct AddedToken: Sendable, Equatable {
  var content: String
  /// Found only where no word character touches it.
  var isSingleWord = false
  /// Takes the white space on its left with it.
  var stripsLeft = false
  /// Takes the white space on its right with it.
  var stripsRight = false
  /// Searched for in the normalized text instead of in the original.
  var isNormalized = false
  /// Left out when ids become text.
  var isSpecial = false

  static func == (a: AddedToken, b: AddedToken) -> Bool {
    a.content.utf8.elementsEqual(b.content.utf8) && a.isSingleWord == b.isSingleWord
      && a.stripsLeft == b.stripsLeft && a.stripsRight == b.stripsRight
      && a.isNormalized == b.isNormalized && a.isSpecial == b.isSpecial
  }
}

/// Finds added tokens in a text: at each place the longest, from left to right, as a trie over bytes.
struct AddedTokenFinder: Sendable {
  enum Part {
    case text(Range<Int>)
    case token(Int32, Range<Int>)
  }

  private struct Node {
    var byte: UInt8
    var firstChild: Int32 = -1
    var nextSibling: Int32 = -1
    /// Index into `tokens` of the token that ends here, or -1.
    var token: Int32 = -1
  }

  private var nodes: [Node] = []
  /// Node of each first byte, or -1.
  private var roots = [Int32](repeating: -1, count: 256)
  private let tokens: [(id: Int32, token: AddedToken)]

  /// - Parameter tokens: Each with the bytes to search for, which are not empty.
  init(_ tokens: [(bytes: [UInt8], id: Int32, token: AddedToken)]) {
    self.tokens = tokens.map { ($0.id, $0.token) }
    for (index, token) in tokens.enumerated() { insert(token.bytes, Int32(index)) }
  }

  var isEmpty: Bool { tokens.isEmpty }

  private mutating func insert(_ bytes: [UInt8], _ token: Int32) {
    guard let first = bytes.first else { return }
    if roots[Int(first)] < 0 {
      roots[Int(first)] = Int32(nodes.count)
      nodes.append(Node(byte: first))
    }
    var node = Int(roots[Int(first)])
    for byte in bytes.dropFirst() {
      if let child = child(of: node, byte) {
        node = child
      } else {
        nodes.append(Node(byte: byte, nextSibling: nodes[node].firstChild))
        nodes[node].firstChild = Int32(nodes.count - 1)
        node = nodes.count - 1
      }
    }
    nodes[node].token = token
  }

  private func child(of node: Int, _ byte: UInt8) -> Int? {
    var child = nodes[node].firstChild
    while child >= 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].nextSibling }
    return child < 0 ? nil : Int(child)
  }

  /// Calls `body` for the added tokens and for what lies between them, in order.
  func split(_ text: UnsafeBufferPointer<UInt8>, _ body: (Part) -> Void) {
    if isEmpty { return body(.text(0..<text.count)) }
    var done = 0
    var position = 0
    while let (match, index) = firstMatch(in: text, from: position) {
      position = match.upperBound
      let (id, token) = tokens[index]
      if token.isSingleWord, touchesWord(match, in: text) { continue }
      var (start, end) = (match.lowerBound, match.upperBound)
      if token.stripsLeft { start = max(UTF8Text.startOfSpace(before: start, in: text), done) }
      if token.stripsRight { end = UTF8Text.endOfSpace(from: end, in: text) }
      if done < start { body(.text(done..<start)) }
      body(.token(id, start..<end))
      done = end
    }
    if done < text.count { body(.text(done..<text.count)) }
  }

  /// The leftmost place from `start` on where a token is, and the longest token there.
  private func firstMatch(
    in text: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> (Range<Int>, token: Int)? {
    for place in start..<max(start, text.count) {
      var node = roots[Int(text[place])]
      if node < 0 { continue }
      var end = place + 1
      var longest: (Range<Int>, Int)?
      while node >= 0 {
        if nodes[Int(node)].token >= 0 { longest = (place..<end, Int(nodes[Int(node)].token)) }
        guard end < text.count, let child = child(of: Int(node), text[end]) else { break }
        node = Int32(child)
        end += 1
      }
      if let longest { return longest }
    }
    return nil
  }

  private func touchesWord(_ match: Range<Int>, in text: UnsafeBufferPointer<UInt8>) -> Bool {
    if match.lowerBound > 0,
      case let before = UTF8Text.start(ofScalarBefore: match.lowerBound, in: text),
      UTF8Text.isWord(UTF8Text.scalar(at: before, in: text))
    {
      return true
    }
    return match.upperBound < text.count
      && UTF8Text.isWord(UTF8Text.scalar(at: match.upperBound, in: text))
  }
}
