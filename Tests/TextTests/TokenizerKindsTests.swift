import Formats
import TestSupport
import Testing

@testable import Text

/// Every kind of tokenizer and every step of `tokenizer.json` against Hugging Face's tokenizers; made
/// by scripts/golden/tokenizer_kinds.py.
@Suite struct TokenizerKindsTests {
  static let kinds = [
    "bpe-falcon", "bpe-gpt2", "bpe-llama3", "bpe-neox", "bpe-qwen2", "bpe-starcoder",
    "spm-bpe-gemma", "spm-bpe-llama", "spm-bpe-metaspace", "spm-bpe-phi3", "unigram-bytes",
    "unigram-t5", "wordpiece",
  ]
  static let folder = "tokenizer/kinds"

  private func golden() throws -> JSON { try readJSON(goldenPath("\(Self.folder)/expected.json")) }

  private func texts(_ json: JSON?) -> [String] { (json?.array ?? []).compactMap(\.string) }

  private func ids(_ json: JSON?) -> [Int32] {
    (json?.array ?? []).compactMap { $0.integer.map(Int32.init) }
  }

  @Test(arguments: kinds)
  func idsAndTextsEqualTheReference(kind: String) throws {
    let tokenizer = try Tokenizer.load(goldenPath("\(Self.folder)/\(kind)"))
    let golden = try golden()
    let expected = try #require(golden["tokenizers"]?[kind])
    let texts = texts(golden["texts"])
    #expect(texts.count > 60)
    for (index, text) in texts.enumerated() {
      let reference = ids(expected["ids"]?.array?[index])
      #expect(tokenizer.encode(text) == reference, "\(text.debugDescription)")
      let decoded = tokenizer.decode(reference, skipSpecialTokens: false)
      let wanted = try #require(expected["decoded"]?.array?[index].string)
      #expect(decoded.utf8.elementsEqual(wanted.utf8), "\(text.debugDescription)")
    }
    #expect(tokenizer.encode("the", addsSpecialTokens: true) == ids(expected["special"]))
  }

  /// Texts that are shared out between cores have the tokens that they have on one.
  @Test(arguments: kinds)
  func longTextsEqualTheReference(kind: String) throws {
    let tokenizer = try Tokenizer.load(goldenPath("\(Self.folder)/\(kind)"))
    let golden = try golden()
    let unit = texts(golden["texts"]).prefix(30).joined(separator: " ")
    let text = String(repeating: unit, count: 150)
    #expect(text.utf8.count > SharedWork.smallest)
    let (ids, ranges) = tokenizer.encodeWithOffsets(text)
    let sum = ids.reduce(0) { ($0 * 31 + Int($1) + 1) % 2_147_483_647 }
    #expect(golden["tokenizers"]?[kind]?["long"] == [.integer(ids.count), .integer(sum)])
    #expect(tokenizer.encode(text) == ids)
    #expect(ranges.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= text.utf8.count })
  }

  @Test(arguments: kinds)
  func tokensDoNotDependOnThreads(kind: String) throws {
    let tokenizer = try Tokenizer.load(goldenPath("\(Self.folder)/\(kind)"))
    let unit = texts(try golden()["texts"]).prefix(40).joined(separator: " ")
    let text = String(repeating: unit, count: SharedWork.smallest / unit.utf8.count + 9)
    defer { Tokenizer.setThreads(.max) }
    Tokenizer.setThreads(1)
    let (ids, ranges) = tokenizer.encodeWithOffsets(text)
    #expect(ids.count > 10_000)
    for threads in [2, 3, 16] {
      Tokenizer.setThreads(threads)
      let other = tokenizer.encodeWithOffsets(text)
      #expect(other.ids == ids && other.ranges == ranges, "\(threads) threads")
    }
  }

  @Test(arguments: kinds)
  func streamsGiveTheWholeText(kind: String) throws {
    let tokenizer = try Tokenizer.load(goldenPath("\(Self.folder)/\(kind)"))
    for text in texts(try golden()["texts"]) {
      let ids = tokenizer.encode(text)
      var stream = tokenizer.stream(skipSpecialTokens: false)
      let streamed = ids.map { stream.append($0) }.joined() + stream.finish()
      let decoded = tokenizer.decode(ids, skipSpecialTokens: false)
      #expect(streamed.utf8.elementsEqual(decoded.utf8), "\(text.debugDescription)")
    }
  }

  @Test func offsetsNameTheTextBehindATokenizedPrefix() throws {
    let tokenizer = try Tokenizer.load(goldenPath("\(Self.folder)/spm-bpe-llama"))
    let text = "the ferry </s>is late"
    let (ids, ranges) = tokenizer.encodeWithOffsets(text)
    let bytes = Array(text.utf8)
    let marker = try #require(tokenizer.id(of: "</s>"))
    let end = try #require(ids.firstIndex(of: marker))
    #expect(ranges[end] == 10..<14)
    #expect(String(decoding: bytes[ranges[end + 1]], as: UTF8.self).first == "i")
  }

  @Test func stepsEqualTheReference() throws {
    let golden = try golden()
    let texts = texts(golden["texts"])
    let steps = golden["steps"]?.array ?? []
    #expect(steps.count > 35)
    for step in steps {
      for (text, wanted) in zip(texts, step["results"]?.array ?? []) {
        let pieces = try run(step, on: Array(text.utf8))
        let expected =
          wanted.string.map { [Array($0.utf8)] } ?? self.texts(wanted).map { Array($0.utf8) }
        let name = step["normalizer"]?.text() ?? step["pre_tokenizer"]?.text() ?? ""
        #expect(pieces == expected, "\(name) \(text.debugDescription)")
      }
    }
  }

  private func run(_ step: JSON, on text: [UInt8]) throws -> [[UInt8]] {
    let scratch = EncodingScratch()
    return try text.withUnsafeBufferPointer { bytes in
      if step["normalizer"] != nil {
        let normalizer = try NormalizerReader(path: "test").read(step["normalizer"])
        return [normalizer?.normalize(bytes, scratch, isTracking: true)?.bytes ?? text]
      }
      let steps = try PreTokenizerReader(path: "test").read(step["pre_tokenizer"])
      var pieces: [[UInt8]] = []
      PreTokenizer(steps: steps).cut(bytes, isFirst: true, isTracking: true, scratch) { words in
        pieces = words.words.map { Array(words.text[$0]) }
      }
      return pieces
    }
  }

  @Test func decodersEqualTheReference() throws {
    let golden = try golden()
    let lists = (golden["tokens"]?.array ?? []).map(texts)
    for step in golden["decoders"]?.array ?? [] {
      let decoder = try DecoderReader(path: "test").read(step["decoder"])
      for (tokens, wanted) in zip(lists, texts(step["results"])) {
        let text = decoder.text(of: tokens.map { Array($0.utf8) })
        #expect(text.utf8.elementsEqual(wanted.utf8), "\(step["decoder"]?.text() ?? "") \(tokens)")
      }
    }
  }

  /// `tokenizer.model` alone has the ids of the `tokenizer.json` that was made of it.
  @Test func sentencePieceFilesEqualTheirConversion() throws {
    let model = try Tokenizer.load(goldenPath("tokenizer/sentencepiece"))
    let golden = try golden()
    for (index, text) in texts(golden["texts"]).enumerated() {
      let expected = ids(golden["tokenizers"]?["spm-bpe-llama"]?["ids"]?.array?[index])
      #expect(model.encode(text) == expected, "\(text.debugDescription)")
    }
    #expect(model.bosToken == "<s>" && model.eosToken == "</s>")
    #expect(model.encode("the", addsSpecialTokens: true).first == model.id(of: "<s>"))
  }

  @Test func cutSentencePieceFilesAreRefused() throws {
    let bytes = try readFile(goldenPath("tokenizer/sentencepiece/tokenizer.model"))
    for length in [0, 1, 5, 100, bytes.count / 2, bytes.count - 1] {
      let folder = try TemporaryDirectory()
      _ = try folder.write("tokenizer.model", bytes.prefix(length))
      // A cut may fall between two fields: then what is read is shorter, or something is missing.
      if let tokenizer = try? Tokenizer.load(folder.path) {
        #expect(tokenizer.vocabularySize < 400)
      }
    }
    let folder = try TemporaryDirectory()
    _ = try folder.write("tokenizer.model", [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F])
    let problem = #expect(throws: Problem.self) { try Tokenizer.load(folder.path) }
    #expect(problem?.description.contains("tokenizer.model") == true)
  }
}
