import Formats

/// Reads the "decoder" of `tokenizer.json`.
struct DecoderReader {
  let path: String

  /// - Throws: A `Problem` that names a type which is not known.
  func read(_ value: JSON?) throws(Problem) -> TokenDecoder {
    guard let value, !value.isNull else {
      return TokenDecoder(steps: [], separator: [UInt8(ascii: " ")])
    }
    return TokenDecoder(steps: try steps(value))
  }

  private func steps(_ value: JSON) throws(Problem) -> [TokenDecoder.Step] {
    func bytes(_ key: String, default standard: String) -> [UInt8] {
      Array((value[key]?.string ?? standard).utf8)
    }
    func isOn(_ key: String) -> Bool { value[key]?.bool ?? true }
    switch value["type"]?.string {
    case "ByteLevel": return [.byteLevel]
    case "ByteFallback": return [.byteFallback]
    case "Fuse": return [.fuse]
    case "Replace": return [try replacement(value)]
    case "Strip":
      let counts = [value["start"]?.integer ?? 0, value["stop"]?.integer ?? 0]
      let content = bytes("content", default: " ")
      return [.strip(content: content, start: max(0, counts[0]), end: max(0, counts[1]))]
    case "Metaspace":
      let scheme = try PreTokenizer.PrefixScheme(value, place: path)
      let mark = bytes("replacement", default: "\u{2581}")
      return [.metaspace(mark: mark, dropsFirst: scheme != .never)]
    case "WordPiece":
      return [.wordPiece(mark: bytes("prefix", default: "##"), cleansUp: isOn("cleanup"))]
    case "BPEDecoder": return [.wordSuffix(bytes("suffix", default: "</w>"))]
    case "CTC":
      return [
        .connectionist(
          padding: bytes("pad_token", default: "<pad>"),
          delimiter: bytes("word_delimiter_token", default: "|"), cleansUp: isOn("cleanup"))
      ]
    case "Sequence":
      var all: [TokenDecoder.Step] = []
      for part in value["decoders"]?.array ?? [] { all += try steps(part) }
      return all
    case let type:
      throw Problem(path, "decoder type \"\(type ?? "")\" is not known; use another model")
    }
  }

  private func replacement(_ value: JSON) throws(Problem) -> TokenDecoder.Step {
    guard let content = value["content"]?.string else {
      throw Problem(path, "the decoder \"Replace\" has no \"content\", expected a text")
    }
    if let literal = value["pattern"]?["String"]?.string {
      return .literalReplacement(Array(literal.utf8), with: Array(content.utf8))
    }
    return .replacement(try Pattern(value["pattern"], place: path), with: Array(content.utf8))
  }
}
