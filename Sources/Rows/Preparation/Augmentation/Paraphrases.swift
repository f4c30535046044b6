package import Formats

/// Phrases that may stand for each other in a question: "Please explain" for "Tell me about".
package struct Paraphrases: Sendable {
  private struct Phrase {
    let bytes: [UInt8]
    /// Which list it is of, and where in it.
    let slot: Int
    let index: Int
  }

  private let slots: [[String]]
  /// By first byte in lower case, the longest first.
  private let phrases: [UInt8: [Phrase]]

  /// - Parameter path: A file with `{"slot": ["phrase", "phrase", …], …}`.
  package init(path: String) throws(Problem) {
    let form = "expected {\"slot\": [\"phrase\", \"another\", …], …}"
    guard let object = try readJSON(path).object, !object.isEmpty else {
      throw Problem(path, "found something else than an object with members, \(form)")
    }
    var slots: [[String]] = []
    for (name, value) in object.members {
      let texts = value.array?.compactMap(\.string).filter { !$0.isSpace } ?? []
      guard texts.count >= 2, texts.count == value.array?.count else {
        throw Problem(path, "the slot \"\(name)\" is no list of two phrases or more, \(form)")
      }
      slots.append(texts)
    }
    self.init(slots)
  }

  init(_ slots: [[String]]) {
    self.slots = slots
    var phrases: [UInt8: [Phrase]] = [:]
    for (slot, texts) in slots.enumerated() {
      for (index, text) in texts.enumerated() {
        let bytes = text.utf8.map(Self.lowered)
        phrases[bytes[0], default: []].append(Phrase(bytes: bytes, slot: slot, index: index))
      }
    }
    self.phrases = phrases.mapValues { $0.sorted { $0.bytes.count > $1.bytes.count } }
  }

  /// The text with its first phrase exchanged for another of the same list; nil where none stands in it.
  func exchanged(_ text: String, _ numbers: inout SeededNumbers) -> String? {
    let bytes = Array(text.utf8)
    for start in bytes.indices where !bytes.isWord(start - 1) {
      for phrase in phrases[Self.lowered(bytes[start])] ?? [] {
        let end = start + phrase.bytes.count
        guard end <= bytes.count,
          !bytes.isWord(end) || !phrase.bytes.isWord(phrase.bytes.count - 1),
          zip(bytes[start..<end], phrase.bytes).allSatisfy({ Self.lowered($0) == $1 })
        else { continue }
        var index = numbers.below(slots[phrase.slot].count - 1)
        if index >= phrase.index { index += 1 }
        let old = String(decoding: bytes[start..<end], as: UTF8.self)
        let new = Self.cased(slots[phrase.slot][index], like: old)
        return String(decoding: bytes[..<start] + new.utf8 + bytes[end...], as: UTF8.self)
      }
    }
    return nil
  }

  /// Begins with a capital where the old phrase does. A word of one letter, as "I", and one of capitals stay.
  private static func cased(_ text: String, like old: String) -> String {
    guard let first = text.first, let model = old.first, first.isLetter, model.isLetter else {
      return text
    }
    let word = text.prefix { $0.isLetter }
    if model.isUppercase { return first.uppercased() + text.dropFirst() }
    if word.count == 1 || word.dropFirst().contains(where: \.isUppercase) { return text }
    return first.lowercased() + text.dropFirst()
  }

  private static func lowered(_ byte: UInt8) -> UInt8 {
    (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
  }
}
