import Formats
import TestSupport
import Testing

@Suite struct GGUFTests {
  @Test func readsEveryKindOfMetadata() throws {
    let file = try GGUFFile(goldenPath("formats/tiny.gguf"))
    #expect(file.version == 3)
    let expected: [String: GGUFValue] = [
      "general.architecture": .string("llama"),
      "test.u8": .integer(200), "test.i8": .integer(-100),
      "test.u16": .integer(60000), "test.i16": .integer(-30000),
      "test.u32": .integer(4_000_000_000), "test.i32": .integer(-2_000_000_000),
      "test.u64": .unsigned(1 << 63 + 1), "test.i64": .integer(-(1 << 62)),
      "test.f32": .number(Double(Float(0.1))), "test.f64": .number(0.1),
      "test.bool": .bool(true), "test.string": .string("café 😀"),
      "test.integers": .integers([1, -2, 3]), "test.numbers": .numbers([0.5, -1.5]),
      "test.bools": .bools([true, false, true]),
      "test.nested": .list([.integers([1, 2]), .integers([3])]),
    ]
    for (key, value) in expected { #expect(file.metadata[key] == value, "\(key)") }
    let strings = try #require(file.metadata["test.strings"]?.strings)
    #expect(
      strings.map { Array($0.utf8) } == ["a", "", "\u{e9}", "e\u{301}"].map { Array($0.utf8) })
  }

  @Test func placesTensors() throws {
    let file = try GGUFFile(goldenPath("formats/tiny.gguf"))
    #expect(file.names == ["f32", "f16", "q8_0", "q4_1"])
    #expect(file.tensors["f32"]?.shape == [2, 3], "outermost dimension first")
    #expect(file.tensors["q8_0"]?.type == .q8_0)
    #expect(file.tensors["q8_0"]?.shape == [2, 64])
    #expect(file.tensors["q8_0"]?.range.count == 2 * 2 * 34)
    #expect(file.tensors["q4_1"]?.range.count == 2 * 2 * 20)
    #expect(
      file.withBytes(of: "f32") { Array($0.bindMemory(to: Float.self)) } == [0, 1, 2, 3, 4, 5])
  }

  static let faults: [(bytes: [UInt8], sentence: String)] = [
    ([], "not a GGUF file"),
    (Array("GGML1234".utf8), "not a GGUF file"),
    (Array("GGUF".utf8), "the version at byte 4 does not fit"),
    (GGUFBytes(version: 1).bytes, "version 1 is not supported"),
    (GGUFBytes(version: 0x0300_0000).bytes, "big endian"),
    (GGUFBytes(version: 9).bytes, "version 9 is not known"),
    (GGUFBytes(tensors: 1 << 60).bytes, "the tensor count of 1152921504606846976"),
    (GGUFBytes(keys: 1 << 62).bytes, "the metadata count of"),
    (
      GGUFBytes(keys: 1).key("a", type: 8).u64(1 << 40).bytes, #"the value of "a" of 1099511627776"#
    ),
    (GGUFBytes(keys: 1).key("a", type: 77).u64(0).bytes, "value type 77"),
    (GGUFBytes(keys: 1).key("a", type: 9).u32(55).u64(0).bytes, "element type 55"),
    (GGUFBytes(keys: 1).key("a", type: 9).u32(4).u64(1 << 61).bytes, #"the list "a""#),
    (GGUFBytes(keys: 1).key("a", type: 9).nested(40).bytes, "nested deeper than 8"),
    (GGUFBytes(keys: 1).key("é", type: 0).u64(0).bytes, "not an ASCII name"),
    (
      GGUFBytes(keys: 2).key("a", type: 10).u64(0).key("a", type: 10).u64(0).bytes, "stands twice"
    ),
    (
      GGUFBytes(keys: 1).key("general.alignment", type: 10).u64(33).bytes,
      "expected a power of two from 8"
    ),
    (GGUFBytes(tensors: 1).tensor("t", [1, 1, 1, 1, 1], 0, 0).bytes, "5 dimensions"),
    (GGUFBytes(tensors: 1).tensor("t", [0], 0, 0).bytes, "a dimension of 0"),
    (
      GGUFBytes(tensors: 1).tensor("t", [1 << 63], 0, 0).bytes, "a dimension of 9223372036854775808"
    ),
    (
      GGUFBytes(tensors: 1).tensor("t", [1 << 40, 1 << 40], 0, 0).bytes, "which F32 cannot have"
    ),
    (GGUFBytes(tensors: 1).tensor("t", [48], 8, 0).bytes, "which Q8_0 cannot have"),
    (
      GGUFBytes(tensors: 1).tensor("t", [32], 99, 0).bytes,
      #"tensor "t" has element type number 99"#
    ),
    (GGUFBytes(tensors: 1).tensor("t", [1], 0, 8).bytes, "expected a multiple of 32"),
    (GGUFBytes(tensors: 1).tensor("t", [8], 0, 0).data(31).bytes, "the file is cut"),
    (GGUFBytes(tensors: 1).tensor("t", [8], 0, 1 << 62).data(64).bytes, "the file is cut"),
    (
      GGUFBytes(tensors: 2).tensor("t", [8], 0, 0).tensor("t", [8], 0, 32).data(64).bytes,
      "stands twice"
    ),
    (
      GGUFBytes(tensors: 2).tensor("a", [16], 0, 0).tensor("b", [8], 0, 32).data(64).bytes,
      "share bytes"
    ),
  ]

  @Test(arguments: faults) func tellsWhatIsWrong(bytes: [UInt8], sentence: String) throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("hostile.gguf", bytes)
    let problem = #expect(throws: Problem.self) { try GGUFFile(path) }
    #expect(problem?.description.contains(sentence) == true, "\(problem?.description ?? "")")
    #expect(problem?.description.hasPrefix(path + ": ") == true)
  }

  @Test func acceptsAVocabularyWithoutTensors() throws {
    let directory = try TemporaryDirectory()
    let bytes = GGUFBytes(keys: 1).key("a", type: 10).u64(5).bytes
    let file = try GGUFFile(try directory.write("vocabulary.gguf", bytes))
    #expect(file.metadata == ["a": .integer(5)])
    #expect(file.tensors.isEmpty)
  }

  @Test(arguments: 0..<20) func survivesDamage(block: Int) throws {
    let bytes = try readFile(goldenPath("formats/tiny.gguf"))
    let directory = try TemporaryDirectory()
    for seed in UInt64(block * 100)..<UInt64(block * 100 + 100) {
      let path = try directory.write("damaged", damaged(bytes, seed: seed))
      guard let file = try? GGUFFile(path) else { continue }
      for name in file.names { _ = file.withBytes(of: name) { $0.reduce(0) { $0 ^ $1 } } }
    }
  }
}

/// Builds GGUF files by hand, right or wrong.
private struct GGUFBytes {
  var bytes: [UInt8]

  init(version: UInt32 = 3, tensors: UInt64 = 0, keys: UInt64 = 0) {
    bytes = Array("GGUF".utf8)
    append(version)
    append(tensors)
    append(keys)
  }

  private mutating func append(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }

  private func adding(_ change: (inout GGUFBytes) -> Void) -> GGUFBytes {
    var copy = self
    change(&copy)
    return copy
  }

  func u32(_ value: UInt32) -> GGUFBytes { adding { $0.append(value) } }
  func u64(_ value: UInt64) -> GGUFBytes { adding { $0.append(value) } }

  func text(_ text: String) -> GGUFBytes {
    adding {
      $0.append(UInt64(text.utf8.count))
      $0.bytes += text.utf8
    }
  }

  func key(_ name: String, type: UInt32) -> GGUFBytes { text(name).u32(type) }

  /// Lists of one list each.
  func nested(_ depth: Int) -> GGUFBytes {
    (0..<depth).reduce(self) { bytes, _ in bytes.u32(9).u64(1) }
  }

  func tensor(_ name: String, _ sizes: [UInt64], _ type: UInt32, _ offset: UInt64) -> GGUFBytes {
    let start = text(name).u32(UInt32(sizes.count))
    return sizes.reduce(start) { $0.u64($1) }.u32(type).u64(offset)
  }

  /// Padding to the alignment, then zeros.
  func data(_ count: Int) -> GGUFBytes {
    adding {
      let padding = (32 - $0.bytes.count % 32) % 32
      $0.bytes += [UInt8](repeating: 0, count: padding + count)
    }
  }
}
