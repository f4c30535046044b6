import Formats

/// Reads a "model" of type "BPE".
struct BytePairReader {
  let path: String
  let json: JSON

  private func problem(_ sentence: String) -> Problem { Problem(path, sentence) }

  private var usesBytes: Bool { json["byte_fallback"]?.bool ?? false }
  private var ignoresMerges: Bool { json["ignore_merges"]?.bool ?? false }

  private var marks: CharacterSpelling.Marks {
    func bytes(_ key: String) -> [UInt8] { Array((json[key]?.string ?? "").utf8) }
    return CharacterSpelling.Marks(
      prefix: bytes("continuing_subword_prefix"), suffix: bytes("end_of_word_suffix"))
  }

  /// A model that works on the bytes which its vocabulary spells in the byte alphabet; nil where it
  /// has to see characters.
  func readBytes() throws(Problem) -> (Vocabulary, BytePairEncoder)? {
    guard marks.isEmpty else { return nil }
    let reader = TokenModelReader(path: path, json: json)
    let vocabulary = try reader.vocabulary(isByteLevel: true)
    let spelling = ByteSpelling(vocabulary, unknown: try unknown(in: vocabulary))
    if usesBytes, spelling.lacksBytes { return nil }
    let encoder = BytePairEncoder(
      vocabulary: vocabulary, merges: try MergeTable(try pairs(), vocabulary, place: path),
      wholeWords: ignoresMerges ? .tokens : .merged, spelling: .bytes(spelling))
    return (vocabulary, encoder)
  }

  func readCharacters() throws(Problem) -> (Vocabulary, BytePairEncoder) {
    let reader = TokenModelReader(path: path, json: json)
    let vocabulary = try reader.vocabulary(isByteLevel: false)
    let spelling = CharacterSpelling(
      vocabulary, unknown: try unknown(in: vocabulary), usesBytes: usesBytes, marks: marks)
    let pairs = try pairs()
    let merges = try MergeTable(
      pairs, vocabulary, prefixLength: marks.prefix.count, place: path)
    let encoder = BytePairEncoder(
      vocabulary: vocabulary, merges: merges, wholeWords: ignoresMerges ? .tokens : .merged,
      spelling: .characters(spelling), borders: MergeBorders(pairs, spelling))
    return (vocabulary, encoder)
  }

  private func unknown(in vocabulary: Vocabulary) throws(Problem) -> BytePairEncoder.Unknown? {
    guard let token = json["unk_token"]?.string else { return nil }
    guard let id = vocabulary.id(of: token) else {
      throw problem("the unknown token \"\(token)\" is not in the vocabulary")
    }
    return .init(id: id, isFused: json["fuse_unk"]?.bool ?? false)
  }

  private func pairs() throws(Problem) -> [(String, String)] {
    guard let list = json["merges"]?.array else {
      throw problem("\"model.merges\" is missing, expected a list of pairs")
    }
    var pairs: [(String, String)] = []
    pairs.reserveCapacity(list.count)
    for (index, merge) in list.enumerated() {
      // "a b", or ["a", "b"] in files since 2024.
      let parts = merge.string?.splitAtSpaces() ?? merge.array?.compactMap(\.string) ?? []
      guard parts.count == 2 else {
        throw problem("merge \(index) is not a pair of tokens, expected \"a b\" or [\"a\", \"b\"]")
      }
      pairs.append((parts[0], parts[1]))
    }
    return pairs
  }
}

extension MergeBorders {
  /// nil where the tokens of a word are not those of its parts.
  init?(_ pairs: [(String, String)], _ spelling: CharacterSpelling) {
    guard spelling.isDivisible else { return nil }
    let joined = pairs.compactMap { left, right -> (left: UInt32, right: UInt32)? in
      guard let left = left.unicodeScalars.last, let right = right.unicodeScalars.first else {
        return nil
      }
      return (left.value, right.value)
    }
    self.init(joined, knows: spelling.knows)
  }
}
