import Synchronization

/// Text to token ids and back: byte-level byte-pair encoding.
///
/// A text goes through four stages, as in Hugging Face's tokenizers, whose ids it reproduces:
/// added tokens are found in it · what lies between is normalized · cut into words · each word is
/// merged into tokens. No token is ever added that is not in the text.
///
/// Sendable: nothing changes after loading but a pool of scratch memory, which is locked.
package final class Tokenizer: Sendable {
  /// What a file says about a tokenizer, whatever its format.
  struct Definition {
    var vocabulary: Vocabulary
    var encoder: BytePairEncoder
    var normalizer: Normalizer?
    var preTokenizer: PreTokenizer
    /// Distinct ids; in no particular order.
    var addedTokens: [(id: Int32, token: AddedToken)] = []
    var bosToken: String?
    var eosToken: String?
  }

  /// One more than the largest token id.
  package let vocabularySize: Int
  /// Added tokens that steer the model instead of being text, by id.
  package let specialTokens: [(text: String, id: Int32)]
  /// The token that begins a text and the one that ends an answer, where the model names them.
  package let bosToken: String?
  package let eosToken: String?

  private let vocabulary: Vocabulary
  private let encoder: BytePairEncoder
  private let normalizer: Normalizer?
  private let preTokenizer: PreTokenizer
  private let addedTokens: [Int32: AddedToken]
  private let addedIDs: [[UInt8]: Int32]
  /// Added tokens to be found in the text as it is, and in the normalized text.
  private let literalFinder: AddedTokenFinder
  private let normalizedFinder: AddedTokenFinder
  /// Scratch memory that no call is using at the moment.
  private let idleScratch = Mutex<[EncodingScratch]>([])

  init(_ definition: Definition) {
    vocabulary = definition.vocabulary
    encoder = definition.encoder
    normalizer = definition.normalizer
    preTokenizer = definition.preTokenizer
    bosToken = definition.bosToken
    eosToken = definition.eosToken
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
          normalizer?.normalize($0, scratch)?.bytes
        }
        return (normalized ?? content, id, token)
      })
  }

  // MARK: - Encoding

  /// The token ids of `text`. Added tokens that stand in the text are recognized; none are added.
  package func encode(_ text: String) -> [Int32] { run(text, wantsRanges: false).ids }

  /// The token ids of `text`, and for each the range of the text's UTF-8 bytes it was made from.
  ///
  /// A token that holds a part of a character has the range of that part. Where normalization has
  /// rewritten a stretch, all tokens in it have the range of the whole stretch.
  package func encodeWithOffsets(_ text: String) -> (ids: [Int32], ranges: [Range<Int>]) {
    let output = run(text, wantsRanges: true)
    return (output.ids, output.ranges)
  }

  private func run(_ text: String, wantsRanges: Bool) -> TokenOutput {
    var text = text
    let scratch = idleScratch.withLock { $0.popLast() } ?? EncodingScratch()
    defer { idleScratch.withLock { $0.append(scratch) } }
    return text.withUTF8 { bytes in
      var output = TokenOutput(wantsRanges: wantsRanges, capacity: bytes.count / 3 + 8)
      literalFinder.split(bytes) { part in
        switch part {
        case .token(let id, let range): output.append(id, range)
        case .text(let range): encode(range, of: bytes, scratch, into: &output)
        }
      }
      return output
    }
  }

  /// Encodes a part of the text that holds no literal added token.
  private func encode(
    _ range: Range<Int>, of text: UnsafeBufferPointer<UInt8>, _ scratch: EncodingScratch,
    into output: inout TokenOutput
  ) {
    let first = output.ids.count
    let part = UnsafeBufferPointer(rebasing: text[range])
    if let normalized = normalizer?.normalize(part, scratch) {
      normalized.bytes.withUnsafeBufferPointer { encodeNormalized($0, scratch, into: &output) }
      output.mapRanges(from: first) { normalized.origin(of: $0) }
    } else {
      encodeNormalized(part, scratch, into: &output)
    }
    if range.lowerBound > 0 {
      output.mapRanges(from: first) {
        $0.lowerBound + range.lowerBound..<$0.upperBound + range.lowerBound
      }
    }
  }

  private func encodeNormalized(
    _ text: UnsafeBufferPointer<UInt8>, _ scratch: EncodingScratch, into output: inout TokenOutput
  ) {
    normalizedFinder.split(text) { part in
      switch part {
      case .token(let id, let range): output.append(id, range)
      case .text(let range):
        let first = output.ids.count
        encodeWords(of: UnsafeBufferPointer(rebasing: text[range]), scratch, into: &output)
        if range.lowerBound > 0 {
          output.mapRanges(from: first) {
            $0.lowerBound + range.lowerBound..<$0.upperBound + range.lowerBound
          }
        }
      }
    }
  }

  private func encodeWords(
    of text: UnsafeBufferPointer<UInt8>, _ scratch: EncodingScratch, into output: inout TokenOutput
  ) {
    let first = output.ids.count
    preTokenizer.cut(text, scratch) { text, words, alignment in
      for word in words { encoder.encode(word, of: text, scratch, into: &output) }
      if let alignment { output.mapRanges(from: first) { alignment.origin(of: $0) } }
    }
  }

  // MARK: - Decoding

  /// The text of `ids`: their bytes put together. Bytes that are no UTF-8 become U+FFFD, ids that
  /// no token has become nothing.
  package func decode(_ ids: [Int32], skipSpecialTokens: Bool = true) -> String {
    var bytes: [UInt8] = []
    for id in ids {
      if skipSpecialTokens, addedTokens[id]?.isSpecial == true { continue }
      bytes += decodeBytes(id)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The bytes that one token stands for, perhaps a part of a character; empty for an unknown id.
  package func decodeBytes(_ id: Int32) -> [UInt8] {
    if let added = addedTokens[id] { return Array(added.content.utf8) }
    return vocabulary.bytes(of: Int(id)).map(Array.init) ?? []
  }

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
