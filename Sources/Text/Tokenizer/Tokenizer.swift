import Synchronization

/// Text to token ids and back.
///
/// A text goes through four stages, as in Hugging Face's tokenizers, whose ids it reproduces:
/// added tokens are found in it · what lies between is normalized · cut into words · each word
/// becomes tokens. No token is added that is not in the text, unless that is asked for.
///
/// Sendable: nothing changes after loading but a pool of scratch memory, which is locked.
package final class Tokenizer: Sendable {
  /// What a file says about a tokenizer, whatever its format.
  struct Definition {
    var vocabulary: Vocabulary
    var model: TokenModel
    var normalizer: Normalizer?
    var preTokenizer = PreTokenizer(steps: [])
    var decoder: TokenDecoder
    var postProcessor = PostProcessor()
    /// Distinct ids; in no particular order.
    var addedTokens: [(id: Int32, token: AddedToken)] = []
    var bosToken: String?
    var eosToken: String?
    /// Special tokens by the names that templates know them by, "pad_token"; these two need not be there.
    var namedTokens: [String: String] = [:]
  }

  /// One more than the largest token id.
  package let vocabularySize: Int
  /// Added tokens that steer the model instead of being text, by id.
  package let specialTokens: [(text: String, id: Int32)]
  /// The token that begins a text and the one that ends an answer, where the model names them.
  package let bosToken: String?
  package let eosToken: String?
  /// Special tokens by the names that templates know them by: "bos_token", "pad_token", "image_token"…
  package let namedTokens: [String: String]

  private let vocabulary: Vocabulary
  private let model: TokenModel
  private let normalizer: Normalizer?
  private let preTokenizer: PreTokenizer
  private let decoder: TokenDecoder
  private let postProcessor: PostProcessor
  private let addedTokens: [Int32: AddedToken]
  private let addedIDs: [[UInt8]: Int32]
  /// Added tokens to be found in the text as it is, and in the normalized text.
  private let literalFinder: AddedTokenFinder
  private let normalizedFinder: AddedTokenFinder
  /// Scratch memory that no call is using at the moment.
  private let idleScratch = Mutex<[EncodingScratch]>([])

  init(_ definition: Definition) {
    vocabulary = definition.vocabulary
    model = definition.model
    normalizer = definition.normalizer
    preTokenizer = definition.preTokenizer
    decoder = definition.decoder
    postProcessor = definition.postProcessor
    bosToken = definition.bosToken
    eosToken = definition.eosToken
    var named = definition.namedTokens
    named["bos_token"] = definition.bosToken
    named["eos_token"] = definition.eosToken
    namedTokens = named
    let added = definition.addedTokens.sorted { $0.id < $1.id }
    vocabularySize = max(vocabulary.size, (added.last.map { Int($0.id) } ?? -1) + 1)
    specialTokens = added.filter(\.token.isSpecial).map { ($0.token.content, $0.id) }
    addedTokens = Dictionary(added.map { ($0.id, $0.token) }) { $1 }
    addedIDs = Dictionary(added.map { (Array($0.token.content.utf8), $0.id) }) { $1 }
    literalFinder = AddedTokenFinder(
      added.filter { !$0.token.isNormalized }.map {
        (Array($0.token.content.utf8), $0.id, $0.token)
      })
    let scratch = EncodingScratch()
    let normalizer = definition.normalizer
    normalizedFinder = AddedTokenFinder(
      added.filter(\.token.isNormalized).map { id, token in
        let content = Array(token.content.utf8)
        let normalized = content.withUnsafeBufferPointer {
          normalizer?.normalize($0, scratch, isTracking: false)?.bytes
        }
        return (normalized ?? content, id, token)
      })
  }

  // MARK: - Encoding

  /// The token ids of `text`. Added tokens that stand in the text are recognized.
  ///
  /// - Parameter addsSpecialTokens: Whether the tokens that the model wants before and behind a text
  ///   are put there; a text that begins with the first of them gets no second one.
  package func encode(_ text: String, addsSpecialTokens: Bool = false) -> [Int32] {
    let ids = run(text, wantsRanges: false).ids
    return addsSpecialTokens ? postProcessor.complete(ids) : ids
  }

  /// What the model wants before and behind every text, such as the token that begins one.
  package var tokensAroundText: (before: [Int32], after: [Int32]) {
    (postProcessor.before, postProcessor.behind)
  }

  /// The token ids of `text`, and for each the range of the text's UTF-8 bytes it was made from.
  ///
  /// A token that holds a part of a character has the range of that part. Where normalization has
  /// rewritten a stretch, all tokens in it have the range of the whole stretch.
  ///
  /// - Parameter cuts: Bytes at which a token begins although it would reach across, in order. The text is
  ///   still read as one: nothing is put before what follows a cut.
  package func encodeWithOffsets(
    _ text: String, cuts: [Int] = []
  ) -> (ids: [Int32], ranges: [Range<Int>]) {
    let output = run(text, wantsRanges: true, cuts)
    return (output.ids, output.ranges)
  }

  private func run(_ text: String, wantsRanges: Bool, _ cuts: [Int] = []) -> TokenOutput {
    var text = text
    return withScratch { scratch in
      text.withUTF8 { bytes in
        var output = TokenOutput(wantsRanges: wantsRanges, capacity: bytes.count / 3 + 8)
        literalFinder.split(bytes) { part in
          switch part {
          case .token(let id, let range): output.append(id, range)
          case .text(let range):
            encode(range, of: bytes, TokenCuts(cuts), scratch, into: &output)
          }
        }
        return output
      }
    }
  }

  private func withScratch<Result>(_ body: (EncodingScratch) -> Result) -> Result {
    let scratch = idleScratch.withLock { $0.popLast() } ?? EncodingScratch()
    defer { idleScratch.withLock { $0.append(scratch) } }
    return body(scratch)
  }

  /// Encodes a part of the text that holds no literal added token.
  private func encode(
    _ range: Range<Int>, of text: UnsafeBufferPointer<UInt8>, _ cuts: TokenCuts?,
    _ scratch: EncodingScratch, into output: inout TokenOutput
  ) {
    let cuts = cuts?.within { $0.lowerBound + range.lowerBound }
    let first = output.ids.count
    let part = UnsafeBufferPointer(rebasing: text[range])
    let isFirst = range.lowerBound == 0
    let normalized = normalizer?.normalize(part, scratch, isTracking: output.wantsRanges)
    if let normalized {
      normalized.bytes.withUnsafeBufferPointer {
        encodeNormalized(
          $0, isFirst: isFirst, cuts?.within { normalized.origin(of: $0).lowerBound }, scratch,
          into: &output)
      }
      output.mapRanges(from: first) { normalized.origin(of: $0) }
    } else {
      encodeNormalized(part, isFirst: isFirst, cuts, scratch, into: &output)
    }
    output.shiftRanges(from: first, by: range.lowerBound)
  }

  private func encodeNormalized(
    _ text: UnsafeBufferPointer<UInt8>, isFirst: Bool, _ cuts: TokenCuts?,
    _ scratch: EncodingScratch, into output: inout TokenOutput
  ) {
    normalizedFinder.split(text) { part in
      switch part {
      case .token(let id, let range): output.append(id, range)
      case .text(let range):
        let first = output.ids.count
        encodeWords(
          of: UnsafeBufferPointer(rebasing: text[range]), isFirst: isFirst && range.lowerBound == 0,
          cuts?.within { $0.lowerBound + range.lowerBound }, scratch, into: &output)
        output.shiftRanges(from: first, by: range.lowerBound)
      }
    }
  }

  private func encodeWords(
    of text: UnsafeBufferPointer<UInt8>, isFirst: Bool, _ cuts: TokenCuts?,
    _ scratch: EncodingScratch, into output: inout TokenOutput
  ) {
    let first = output.ids.count
    preTokenizer.cut(text, isFirst: isFirst, isTracking: output.wantsRanges, scratch) { words in
      var words = words
      if let cuts {
        let alignment = words.alignment
        words.words = cuts.within { alignment?.origin(of: $0).lowerBound ?? $0.lowerBound }
          .divide(words.words)
      }
      if words.text.count < SharedWork.smallest {
        for word in words.words { model.encode(word, of: words.text, scratch, into: &output) }
      } else {
        encodeShared(model.subdivide(words.words, of: words.text), of: words.text, into: &output)
      }
      if let alignment = words.alignment {
        output.mapRanges(from: first) { alignment.origin(of: $0) }
      }
    }
  }

  /// Encodes the words of a long text on all cores, a stretch of words at a time.
  private func encodeShared(
    _ words: [Range<Int>], of text: UnsafeBufferPointer<UInt8>, into output: inout TokenOutput
  ) {
    let wantsRanges = output.wantsRanges
    let parts = SharedWork.run(SharedWork.stretches(of: words)) { stretch in
      withScratch { scratch in
        let bytes = words[stretch.upperBound - 1].upperBound - words[stretch.lowerBound].lowerBound
        var part = TokenOutput(wantsRanges: wantsRanges, capacity: bytes / 3 + 8)
        for word in words[stretch] { model.encode(word, of: text, scratch, into: &part) }
        return part
      }
    }
    for part in parts { output.append(part) }
  }

  // MARK: - Decoding

  /// The text of `ids`, as the model's decoder puts it together. Bytes that are no UTF-8 become
  /// U+FFFD, ids that no token has become nothing.
  package func decode(_ ids: [Int32], skipSpecialTokens: Bool = true) -> String {
    let ids = skipSpecialTokens ? ids.filter { !isSpecial($0) } : ids
    if decodesToBytes {
      return String(decoding: ids.flatMap(plainBytes), as: UTF8.self)
    }
    return decoder.text(of: ids.compactMap(spelledBytes))
  }

  /// Decodes tokens as they come.
  package func stream(skipSpecialTokens: Bool = true) -> TokenStream {
    TokenStream(self, skipsSpecialTokens: skipSpecialTokens)
  }

  /// Whether a text is the bytes of its tokens one after the other.
  var decodesToBytes: Bool { decoder.isPlainBytes && vocabulary.isByteLevel }

  func isSpecial(_ id: Int32) -> Bool { addedTokens[id]?.isSpecial == true }

  /// The bytes that one token of a byte-level vocabulary stands for, perhaps a part of a character;
  /// empty for an unknown id.
  func plainBytes(_ id: Int32) -> [UInt8] {
    if let added = addedTokens[id] {
      return ByteAlphabet.bytes(spelledBy: added.content) ?? Array(added.content.utf8)
    }
    return vocabulary.bytes(of: Int(id)).map(Array.init) ?? []
  }

  /// Whether the token stands for a byte that is not the first of its character, such as `<0x80>`.
  func isInsideCharacter(_ id: Int32) -> Bool {
    guard let byte = spelledBytes(id).flatMap(TokenDecoder.byte) else { return false }
    return byte & 0xC0 == 0x80
  }

  private func spelledBytes(_ id: Int32) -> [UInt8]? { token(for: id).map { Array($0.utf8) } }

  // MARK: - Single tokens

  /// The id of a token, spelled as in the vocabulary ("Ġthe") or as an added token ("<|im_end|>").
  package func id(of token: String) -> Int32? {
    addedIDs[Array(token.utf8)] ?? vocabulary.id(of: token)
  }

  /// The token with this id, spelled as in the vocabulary.
  package func token(for id: Int32) -> String? {
    addedTokens[id]?.content ?? vocabulary.spelling(of: Int(id))
  }
}
