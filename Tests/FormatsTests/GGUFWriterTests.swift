import Formats
import TestSupport
import Testing

@Suite struct GGUFWriterTests {
  static let metadata: [(key: String, value: GGUFField)] = [
    ("general.architecture", .string("llama")), ("a.u32", .uint32(4_000_000_000)),
    ("a.f32", .float32(0.1)), ("a.bool", .bool(true)), ("a.bytes", .bytes([1, 255])),
    ("a.i32s", .int32s([-1, 2])), ("a.u32s", .uint32s([7])), ("a.f32s", .float32s([0.5])),
    ("a.bools", .bools([true, false])), ("a.strings", .strings(["é", ""])),
  ]

  static func write(_ path: String) throws {
    try GGUFWriter.write(
      path, metadata: metadata,
      tensors: [
        .init(.init("three", .f32, [1, 3])) { emit in
          // In pieces.
          try [UInt8](1...8).withUnsafeBytes { try emit($0) }
          try [UInt8](9...12).withUnsafeBytes { try emit($0) }
        },
        .init(.init("blocks", .q8_0, [2, 32])) { emit in
          try [UInt8](repeating: 5, count: 68).withUnsafeBytes { try emit($0) }
        },
      ])
  }

  @Test func isReadBack() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/x.gguf"
    try Self.write(path)
    let file = try GGUFFile(path)
    let expected: [String: GGUFValue] = [
      "general.architecture": .string("llama"), "a.u32": .integer(4_000_000_000),
      "a.f32": .number(Double(Float(0.1))), "a.bool": .bool(true), "a.bytes": .integers([1, 255]),
      "a.i32s": .integers([-1, 2]), "a.u32s": .integers([7]), "a.f32s": .numbers([0.5]),
      "a.bools": .bools([true, false]), "a.strings": .strings(["é", ""]),
    ]
    #expect(file.metadata == expected)
    #expect(file.names == ["three", "blocks"])
    #expect(file.tensors["three"]?.shape == [1, 3])
    #expect(file.withBytes(of: "three") { Array($0) } == Array(1...12))
    #expect(file.tensors["blocks"]?.type == .q8_0)
    #expect(file.withBytes(of: "blocks") { Array($0) } == [UInt8](repeating: 5, count: 68))
    #expect(try directoryEntries(directory.path) == ["x.gguf"])
  }

  /// What llama.cpp insists on: data at a multiple of the alignment from the file's start, tensors one
  /// behind the other, padded, the last one too.
  @Test func padsEveryTensor() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/x.gguf"
    try Self.write(path)
    let file = try GGUFFile(path)
    let start = try #require(file.tensors["three"]?.range.lowerBound)
    #expect(start.isMultiple(of: 32))
    #expect(file.tensors["blocks"]?.range.lowerBound == start + 32)
    #expect(try readFile(path).count == start + 32 + 96)
  }

  /// The first bytes, spelled out.
  @Test func hasTheLayoutOfVersion3() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/x.gguf"
    try GGUFWriter.write(
      path, metadata: [("k", .uint32(9))],
      tensors: [
        .init(.init("t", .f16, [2, 3])) { emit in
          try [UInt8](repeating: 7, count: 12).withUnsafeBytes { try emit($0) }
        }
      ])
    let header: [UInt8] =
      Array("GGUF".utf8) + [3, 0, 0, 0] + [1, 0, 0, 0, 0, 0, 0, 0] + [1, 0, 0, 0, 0, 0, 0, 0]
      + [1, 0, 0, 0, 0, 0, 0, 0] + Array("k".utf8) + [4, 0, 0, 0] + [9, 0, 0, 0]
      + [1, 0, 0, 0, 0, 0, 0, 0] + Array("t".utf8) + [2, 0, 0, 0]
      + [3, 0, 0, 0, 0, 0, 0, 0] + [2, 0, 0, 0, 0, 0, 0, 0] + [1, 0, 0, 0]
      + [0, 0, 0, 0, 0, 0, 0, 0]
    let bytes = try readFile(path)
    #expect(Array(bytes.prefix(header.count)) == header)
    #expect(bytes.count == 128 && bytes[96..<108].allSatisfy { $0 == 7 })
  }

  @Test func leavesNothingWhereATensorFails() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/x.gguf"
    #expect(throws: Problem.self) {
      try GGUFWriter.write(
        path, metadata: [],
        tensors: [.init(.init("t", .f32, [1])) { _ in throw Problem("t", "is broken") }])
    }
    #expect(try directoryEntries(directory.path) == [])
  }
}
