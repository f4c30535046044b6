import Formats

/// The models of GGUF files that are not byte-level.
extension GGUFTokenizer {
  /// `llama`: SentencePiece, joined by scores.
  func sentencePiece(
    _ tokens: [String]
  ) throws(Problem) -> (definition: Tokenizer.Definition, merges: PieceMerges) {
    let vocabulary = try vocabulary(tokens, isByteLevel: false)
    let scores = try scores(tokens.count)
    let merging = SentencePieceMerging(
      vocabulary, scores: scores, unknown: unknown(of: tokens, standard: 0), usesBytes: true
    ) { _ in true }
    let mark = SentencePieceNormalizer.space
    var steps: [Normalizer.Step] = [.literalReplacement(Array(" ".utf8), with: mark)]
    if addsSpacePrefix { steps.insert(.prefix(mark), at: 0) }
    let definition = Tokenizer.Definition(
      vocabulary: vocabulary, model: .bytePairs(merging.encoder),
      normalizer: Normalizer(steps: steps),
      decoder: TokenDecoder(sentencePieceWithPrefix: addsSpacePrefix))
    return (definition, merging.merges)
  }

  /// `gemma4`: listed merges of characters with marks for spaces, line by line.
  func gemma4(_ tokens: [String]) throws(Problem) -> Tokenizer.Definition {
    let vocabulary = try vocabulary(tokens, isByteLevel: false)
    let pairs = try pairs()
    let spelling = CharacterSpelling(vocabulary, unknown: nil, usesBytes: true)
    let encoder = BytePairEncoder(
      vocabulary: vocabulary, merges: try MergeTable(pairs, vocabulary, place: file.path),
      wholeWords: .tokensOfLineFeeds, spelling: .characters(spelling),
      borders: MergeBorders(pairs, spelling))
    let space = Array(" ".utf8)
    return Tokenizer.Definition(
      vocabulary: vocabulary, model: .bytePairs(encoder),
      normalizer: Normalizer(
        steps: [.literalReplacement(space, with: SentencePieceNormalizer.space)]),
      preTokenizer: PreTokenizer(steps: [try .isolating(#"[^\n]+|\n+"#, place: file.path)]),
      decoder: TokenDecoder(sentencePieceWithPrefix: false))
  }

  /// `t5`: a unigram model with SentencePiece's normalizer.
  func unigram(_ tokens: [String]) throws(Problem) -> Tokenizer.Definition {
    let vocabulary = try vocabulary(tokens, isByteLevel: false)
    let scores = try scores(tokens.count)
    let types = try types(tokens.count) ?? [Int](repeating: 1, count: tokens.count)
    guard let unknown = unknown(of: tokens, standard: 2) else {
      throw Problem(file.path, "its unknown token has no valid id; the file is damaged")
    }
    let lowest = zip(scores, types).filter { $0.1 == 1 }.map(\.0).min()
    let encoder = UnigramEncoder(
      vocabulary: vocabulary, scores: zip(scores, types).map { $1 == 4 ? 0 : $0 }, unknown: unknown,
      usesBytes: false, lowestScore: lowest, looksUpUnknown: false
    ) { [1, 4, 5].contains(types[$0]) }
    let normalizer = SentencePieceNormalizer(
      map: try characterMap(), addsSpace: addsSpacePrefix,
      removesExtraSpaces: file.metadata["tokenizer.ggml.remove_extra_whitespaces"]?.bool ?? false,
      marksEnds: false)
    return Tokenizer.Definition(
      vocabulary: vocabulary, model: .unigram(encoder),
      normalizer: Normalizer(steps: [.sentencePiece(normalizer)]),
      decoder: TokenDecoder(sentencePieceWithPrefix: addsSpacePrefix))
  }

  /// `bert`: WordPiece, with marks before the tokens that begin words.
  func wordPiece(_ tokens: [String]) throws(Problem) -> Tokenizer.Definition {
    let vocabulary = try vocabulary(tokens, isByteLevel: false)
    guard let unknown = unknown(of: tokens, standard: 100) else {
      throw Problem(file.path, "its unknown token has no valid id; the file is damaged")
    }
    func isOn(_ key: String) -> Bool? { file.metadata["tokenizer.ggml.normalizer.\(key)"]?.bool }
    let isLowercase = isOn("lowercase") ?? true
    let normalizer = BERTNormalizer(
      cleansText: true, isolatesIdeographs: true,
      dropsAccents: isOn("strip_accents") ?? isLowercase, isLowercase: isLowercase)
    let mark = SentencePieceNormalizer.space
    let encoder = WordPieceEncoder(
      vocabulary: vocabulary, unknown: unknown, mark: mark, marksBeginnings: true,
      longestWord: .max)
    return Tokenizer.Definition(
      vocabulary: vocabulary, model: .wordPiece(encoder),
      normalizer: Normalizer(steps: [.bert(normalizer)]),
      preTokenizer: PreTokenizer(steps: try PreTokenizerReader(path: file.path).bert()),
      decoder: TokenDecoder(steps: [.metaspace(mark: mark, dropsFirst: true)]))
  }

  var addsSpacePrefix: Bool { file.metadata["tokenizer.ggml.add_space_prefix"]?.bool ?? true }

  private func unknown(of tokens: [String], standard: Int) -> Int32? {
    let id = file.metadata["tokenizer.ggml.unknown_token_id"]?.integer ?? standard
    return tokens.indices.contains(id) ? Int32(id) : nil
  }

  private func scores(_ count: Int) throws(Problem) -> [Double] {
    guard let scores = file.metadata["tokenizer.ggml.scores"]?.numbers, scores.count == count,
      !scores.contains(where: \.isNaN)
    else {
      throw Problem(
        file.path,
        "tokenizer.ggml.scores is missing or not one number for each of the \(count) tokens; the "
          + "file is damaged")
    }
    return scores
  }

  private func characterMap() throws(Problem) -> CharacterMap? {
    guard let blob = file.metadata["tokenizer.ggml.precompiled_charsmap"]?.integers, !blob.isEmpty
    else { return nil }
    return try CharacterMap(blob.map { UInt8(truncatingIfNeeded: $0) }, place: file.path)
  }
}

extension TokenDecoder {
  /// Marks become spaces, byte tokens characters; a space that was put before the text goes.
  init(sentencePieceWithPrefix hasPrefix: Bool) {
    let space = Array(" ".utf8)
    steps = [
      .literalReplacement(SentencePieceNormalizer.space, with: space), .byteFallback, .fuse,
      .strip(content: space, start: hasPrefix ? 1 : 0, end: 0),
    ]
  }
}
