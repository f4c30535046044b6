import Formats

/// Token ids and the bytes they stand for.
///
/// The bytes of all tokens lie end to end in one array; the way back, from bytes to id, is a flat
/// hash table. Strings are not used as keys: Swift compares them by canonical equivalence, and two
/// tokens that differ only in normalization would become one.
struct Vocabulary: Sendable {
  /// Ids beyond this are taken for a damaged file; the largest vocabularies of today have 2^18.
  static let idLimit = 1 << 20

  /// One more than the largest id.
  let size: Int
  /// How many different spellings there are.
  let count: Int

  private let storage: [UInt8]
  /// Token `id` is `storage[starts[id]..<starts[id + 1]]`.
  private let starts: [Int]
  private let forms: [Form]
  /// Tokens by their bytes: an id, or -1 for a free place. Power-of-two length.
  private let places: [Int32]
  /// Of a byte-level vocabulary, tokens with characters outside the alphabet, by their UTF-8.
  private let literals: [[UInt8]: Int32]

  /// Whether tokens are spelled in the byte alphabet; else each is the text it stands for.
  let isByteLevel: Bool

  private enum Form: UInt8 { case absent, bytes, literal }

  /// - Parameters:
  ///   - tokens: Where bytes are spelled in the byte alphabet: in it, or literally where a character
  ///     is outside it.
  ///   - place: The file, for the error.
  /// - Throws: A `Problem` where an id is out of bounds or used twice.
  init(
    _ tokens: [(spelling: String, id: Int)], isByteLevel: Bool, place: String
  ) throws(Problem) {
    try self.init(
      tokens.map { spelling, id in
        if !isByteLevel { return (Array(spelling.utf8), id, false) }
        if let bytes = ByteAlphabet.bytes(spelledBy: spelling) { return (bytes, id, false) }
        return (Array(spelling.utf8), id, true)
      }, isByteLevel: isByteLevel, place: place)
  }

  /// - Parameter tokens: By their bytes; a literal one is found by its spelling only.
  init(
    _ tokens: [(bytes: [UInt8], id: Int, isLiteral: Bool)], isByteLevel: Bool, place: String
  ) throws(Problem) {
    var byID: [(form: Form, bytes: [UInt8])] = []
    byID.reserveCapacity(tokens.count)
    for (bytes, id, isLiteral) in tokens {
      guard id >= 0, id < Self.idLimit else {
        let spelling = String(decoding: bytes, as: UTF8.self)
        throw Problem(
          place, "token \"\(spelling)\" has id \(id), expected 0 to \(Self.idLimit - 1)")
      }
      while byID.count <= id { byID.append((.absent, [])) }
      guard byID[id].form == .absent else {
        throw Problem(place, "two tokens have id \(id), expected one token for each id")
      }
      byID[id] = (isLiteral ? .literal : .bytes, bytes)
    }
    self.isByteLevel = isByteLevel
    self.size = byID.count
    self.forms = byID.map(\.form)
    self.storage = byID.flatMap(\.bytes)
    self.starts = byID.reduce(into: [0]) { starts, token in
      starts.append(starts[starts.count - 1] + token.bytes.count)
    }
    (self.places, self.literals, self.count) = Self.index(byID)
  }

  /// The tables from bytes to id. Of two equal spellings the one with the larger id wins.
  private static func index(
    _ tokens: [(form: Form, bytes: [UInt8])]
  ) -> (places: [Int32], literals: [[UInt8]: Int32], count: Int) {
    var places = [Int32](repeating: -1, count: (tokens.count * 2 + 1).nextPowerOfTwo)
    var literals: [[UInt8]: Int32] = [:]
    var count = 0
    for (id, token) in tokens.enumerated() {
      switch token.form {
      case .absent: break
      case .literal: literals[token.bytes] = Int32(id)
      case .bytes:
        var place = hash(token.bytes) & (places.count - 1)
        while places[place] >= 0, tokens[Int(places[place])].bytes != token.bytes {
          place = (place + 1) & (places.count - 1)
        }
        if places[place] < 0 { count += 1 }
        places[place] = Int32(id)
      }
    }
    return (places, literals, count + literals.count)
  }

  /// FNV-1a, folded so that the low bits depend on all others.
  private static func hash(_ bytes: some Sequence<UInt8>) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0100_0000_01B3 }
    return Int(truncatingIfNeeded: hash ^ hash >> 32)
  }

  /// The bytes that `id` stands for; nil where no token has this id.
  func bytes(of id: Int) -> ArraySlice<UInt8>? {
    guard forms.indices.contains(id), forms[id] != .absent else { return nil }
    return storage[starts[id]..<starts[id + 1]]
  }

  /// The token as the vocabulary file spells it.
  func spelling(of id: Int) -> String? {
    guard let bytes = bytes(of: id) else { return nil }
    return forms[id] == .bytes && isByteLevel
      ? ByteAlphabet.spelling(of: bytes) : String(decoding: bytes, as: UTF8.self)
  }

  /// The token that stands for exactly these bytes.
  func id(ofBytes bytes: UnsafeBufferPointer<UInt8>) -> Int32? {
    storage.withUnsafeBufferPointer { storage in
      var place = Self.hash(bytes) & (places.count - 1)
      while places[place] >= 0 {
        let id = Int(places[place])
        let token = UnsafeBufferPointer(rebasing: storage[starts[id]..<starts[id + 1]])
        if token.elementsEqual(bytes) { return places[place] }
        place = (place + 1) & (places.count - 1)
      }
      return nil
    }
  }

  /// The token that the vocabulary file spells this way.
  func id(of spelling: String) -> Int32? {
    guard isByteLevel else { return id(ofBytes: Array(spelling.utf8)) }
    guard let bytes = ByteAlphabet.bytes(spelledBy: spelling) else {
      return literals[Array(spelling.utf8)]
    }
    return id(ofBytes: bytes)
  }

  func id(ofBytes bytes: [UInt8]) -> Int32? {
    bytes.withUnsafeBufferPointer { id(ofBytes: $0) }
  }
}

extension Int {
  /// The smallest power of two that is not less than this positive number.
  var nextPowerOfTwo: Int { self <= 1 ? 1 : 1 << (Int.bitWidth - (self - 1).leadingZeroBitCount) }
}
