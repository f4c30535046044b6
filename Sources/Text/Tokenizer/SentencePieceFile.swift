import Formats

/// A `tokenizer.model` of SentencePiece: a protocol buffer of the type `ModelProto`.
///
/// Fields: 1 pieces (1 text, 2 score, 3 type), 2 trainer (3 model type, 24 words are marked behind,
/// 35 bytes stand in for characters), 3 normalizer (2 map, 3 space before a text, 4 without extra
/// spaces). Fields that are not known are skipped.
struct SentencePieceFile {
  enum PieceType: Int {
    case normal = 1
    case unknown, control, userDefined, unused, byte
  }

  struct Piece {
    var text: [UInt8] = []
    var score = 0.0
    var type = PieceType.normal
  }

  let path: String
  private(set) var pieces: [Piece] = []
  private var modelType = 1
  private var marksEnds = false
  private var usesBytes = false
  private var map: [UInt8] = []
  private var addsSpace = true
  private var removesExtraSpaces = true

  /// - Throws: A `Problem` for a file that is cut, damaged or of a type that is not known.
  init(_ path: String) throws(Problem) {
    self.path = path
    var fields = ProtobufReader(try readFile(path)[...], place: path)
    while let field = try fields.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let bytes)): pieces.append(try Self.piece(bytes, path))
      case (2, .bytes(let bytes)): try readTrainer(bytes)
      case (3, .bytes(let bytes)): try readNormalizer(bytes)
      default: break
      }
    }
    guard !pieces.isEmpty else {
      throw Problem(path, "there are no pieces in it; the file is damaged")
    }
  }

  private static func piece(_ bytes: ArraySlice<UInt8>, _ path: String) throws(Problem) -> Piece {
    var piece = Piece()
    var fields = ProtobufReader(bytes, place: path)
    while let field = try fields.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let text)): piece.text = Array(text)
      case (2, .fixed32(let bits)): piece.score = Double(Float(bitPattern: bits))
      case (3, .integer(let number)):
        guard let type = PieceType(rawValue: Int(truncatingIfNeeded: number)) else {
          throw Problem(path, "a piece has type \(number), expected 1 to 6")
        }
        piece.type = type
      default: break
      }
    }
    guard !piece.score.isNaN, String(validating: piece.text, as: UTF8.self) != nil else {
      throw Problem(path, "a piece is no text or has no number as score; the file is damaged")
    }
    return piece
  }

  private mutating func readTrainer(_ bytes: ArraySlice<UInt8>) throws(Problem) {
    var fields = ProtobufReader(bytes, place: path)
    while let field = try fields.next() {
      guard case .integer(let number) = field.value else { continue }
      switch field.number {
      case 3: modelType = Int(truncatingIfNeeded: number)
      case 24: marksEnds = number != 0
      case 35: usesBytes = number != 0
      default: break
      }
    }
  }

  private mutating func readNormalizer(_ bytes: ArraySlice<UInt8>) throws(Problem) {
    var fields = ProtobufReader(bytes, place: path)
    while let field = try fields.next() {
      switch (field.number, field.value) {
      case (2, .bytes(let blob)): map = Array(blob)
      case (3, .integer(let number)): addsSpace = number != 0
      case (4, .integer(let number)): removesExtraSpaces = number != 0
      default: break
      }
    }
  }

  func definition() throws(Problem) -> Tokenizer.Definition {
    let vocabulary = try Vocabulary(
      pieces.enumerated().map { ($0.element.text, $0.offset, false) }, isByteLevel: false,
      place: path)
    guard let unknown = pieces.firstIndex(where: { $0.type == .unknown }) else {
      throw Problem(path, "there is no unknown piece in it; the file is damaged")
    }
    let scores = pieces.map(\.score)
    var definition = Tokenizer.Definition(
      vocabulary: vocabulary, model: try model(vocabulary, scores, Int32(unknown)),
      normalizer: Normalizer(steps: try normalizerSteps()),
      decoder: TokenDecoder(sentencePieceWithPrefix: addsSpace && !marksEnds))
    definition.addedTokens = pieces.enumerated().compactMap { id, piece in
      guard [.unknown, .control, .userDefined].contains(piece.type), !piece.text.isEmpty else {
        return nil
      }
      let content = String(decoding: piece.text, as: UTF8.self)
      return (Int32(id), AddedToken(content: content, isSpecial: piece.type != .userDefined))
    }
    return definition
  }

  private func model(
    _ vocabulary: Vocabulary, _ scores: [Double], _ unknown: Int32
  ) throws(Problem) -> TokenModel {
    let types = pieces.map(\.type)
    let takesPart = { (id: Int) in [.normal, .userDefined, .unused].contains(types[id]) }
    switch modelType {
    case 1:
      let lowest = zip(scores, types).filter { $0.1 == .normal }.map(\.0).min()
      return .unigram(
        UnigramEncoder(
          vocabulary: vocabulary, scores: scores, unknown: unknown, usesBytes: usesBytes,
          lowestScore: lowest, looksUpUnknown: false
        ) { types[$0] == .normal || types[$0] == .userDefined })
    case 2:
      return .bytePairs(
        SentencePieceMerging(
          vocabulary, scores: scores, unknown: unknown, usesBytes: usesBytes, where: takesPart
        ).encoder)
    case let type:
      throw Problem(
        path,
        "its model type is \(type), expected 1 (unigram) or 2 (BPE); words and characters are not "
          + "supported")
    }
  }

  private func normalizerSteps() throws(Problem) -> [Normalizer.Step] {
    let mark = SentencePieceNormalizer.space
    if map.isEmpty, !removesExtraSpaces, !marksEnds {
      let spaces = Normalizer.Step.literalReplacement(Array(" ".utf8), with: mark)
      return addsSpace ? [.prefix(mark), spaces] : [spaces]
    }
    return [
      .sentencePiece(
        SentencePieceNormalizer(
          map: map.isEmpty ? nil : try CharacterMap(map, place: path), addsSpace: addsSpace,
          removesExtraSpaces: removesExtraSpaces, marksEnds: marksEnds))
    ]
  }
}
