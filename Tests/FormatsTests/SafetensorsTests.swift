import Formats
import TestSupport
import Testing

@Suite struct SafetensorsTests {
  @Test func readsTheReferenceWriter() throws {
    let file = try SafetensorsFile(goldenPath("formats/tiny.safetensors"))
    #expect(file.metadata == ["format": "pt", "made": "by the reference"])
    #expect(file.names.count == 4)
    #expect(file.tensors["a.weight"]?.dtype == "F32")
    #expect(file.tensors["a.weight"]?.shape == [2, 3])
    #expect(file.tensors["scalar"]?.shape == [])
    #expect(file.tensors["empty"]?.range.isEmpty == true)
    let weight = file.withBytes(of: "a.weight") { Array($0.bindMemory(to: Float.self)) }
    #expect(weight == [0, 0.25, 0.5, 0.75, 1, 1.25])
    #expect(file.withBytes(of: "b.codes") { Array($0) } == [0, 1, 2, 3, 4])
  }

  @Test func readsBackWhatItWrites() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("a.safetensors")
    let writer = try SafetensorsWriter(
      path,
      entries: [.init("x", "U8", [3]), .init("y", "F32", [2, 1]), .init("z", "BF16", [0, 5])],
      metadata: ["format": "pt", "quote": "\"é\""])
    // In another order than the file's, and in pieces.
    try writer.write([7, 8], of: "x")
    try writer.write([1, 2, 3, 4, 5, 6, 7, 8], of: "y")
    try writer.write([9], of: "x")
    try writer.finish()

    let file = try SafetensorsFile(path)
    #expect(file.metadata == ["format": "pt", "quote": "\"é\""])
    #expect(file.names == ["y", "z", "x"], "laid out by falling element size")
    #expect(file.withBytes(of: "x") { Array($0) } == [7, 8, 9])
    #expect(file.withBytes(of: "y") { Array($0) } == [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(try #require(file.tensors["y"]).range.lowerBound.isMultiple(of: 8))
  }

  @Test func writesWholeFilesFromSources() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("a.safetensors")
    let source = SafetensorsWriter.Source(name: "t", dtype: "U8", shape: [2]) { emit in
      try [UInt8]([1]).withUnsafeBytes(emit)
      try [UInt8]([2]).withUnsafeBytes(emit)
    }
    try SafetensorsWriter.write(path, tensors: [source])
    #expect(try SafetensorsFile(path).withBytes(of: "t") { Array($0) } == [1, 2])
  }

  @Test func tellsOfAFullDisk() throws {
    let writer = try SafetensorsWriterOnFullDisk()
    #expect(writer.problem.kind == .run)
    #expect(writer.problem.description.contains("no space left on the device"))
  }

  /// A header and the data bytes after it.
  static func file(_ header: String, data: Int) -> [UInt8] {
    let json = Array(header.utf8)
    return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
      + [UInt8](repeating: 0, count: data)
  }

  static func entry(_ dtype: String, _ shape: String, _ offsets: String) -> String {
    #"{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  static let faults: [(bytes: [UInt8], sentence: String)] = [
    ([], "too few"),
    ([1, 0, 0], "too few"),
    ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], "claims 18446744073709551615 bytes"),
    ([0, 0xE1, 0xF5, 0x05, 0, 0, 0, 0] + [0x20], "the file is cut: its header has 100000000"),
    (file("{", data: 0), "not valid JSON"),
    (file("[]", data: 0), "the header is a list, expected an object"),
    (file(#"{"__metadata__":{"a":1}}"#, data: 0), #"a number under "a""#),
    (file(#"{"t":{"dtype":"F32"}}"#, data: 0), #"tensor "t" lacks"#),
    (file(#"{"t":\#(entry("F32", "[-1]", "[0,4]"))}"#, data: 4), "not a list of sizes"),
    (file(#"{"t":\#(entry("F32", "[1.5]", "[0,4]"))}"#, data: 4), "not a list of sizes"),
    (file(#"{"t":\#(entry("Q9", "[1]", "[0,4]"))}"#, data: 4), #"element type "Q9""#),
    (
      file(#"{"t":\#(entry("F32", "[4294967296,4294967296]", "[0,0]"))}"#, data: 0),
      "no possible size"
    ),
    (
      file(#"{"t":\#(entry("U8", "[9223372036854775807]", "[0,0]"))}"#, data: 0), "no possible size"
    ),
    (file(#"{"t":\#(entry("F32", "[2]", "[0,4]"))}"#, data: 4), "F32 [2], 8 bytes"),
    (file(#"{"t":\#(entry("F32", "[1]", "[4,0]"))}"#, data: 4), "its data_offsets are [4,0]"),
    (file(#"{"t":\#(entry("F32", "[1]", "[-4,0]"))}"#, data: 4), "its data_offsets are [-4,0]"),
    (
      file(#"{"t":\#(entry("F32", "[1]", "[0,4]"))}"#, data: 3),
      #"the file is cut: tensor "t" ends at byte 4 of the data and 3 bytes are there"#
    ),
    (
      file(#"{"t":\#(entry("U8", "[1]", "[0,1]")),"t":\#(entry("U8", "[1]", "[1,2]"))}"#, data: 2),
      "stands twice"
    ),
    (
      file(#"{"a":\#(entry("U8", "[2]", "[0,2]")),"b":\#(entry("U8", "[2]", "[1,3]"))}"#, data: 3),
      #"tensor "b" overlaps"#
    ),
    (
      file(#"{"a":\#(entry("U8", "[1]", "[0,1]")),"b":\#(entry("U8", "[1]", "[2,3]"))}"#, data: 3),
      "leaves a hole"
    ),
    (file(#"{"a":\#(entry("U8", "[1]", "[0,1]"))}"#, data: 3), "2 bytes follow the last tensor"),
  ]

  @Test(arguments: faults) func tellsWhatIsWrong(bytes: [UInt8], sentence: String) throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("hostile.safetensors", bytes)
    let problem = #expect(throws: Problem.self) { try SafetensorsFile(path) }
    #expect(problem?.description.contains(sentence) == true, "\(problem?.description ?? "")")
    #expect(problem?.description.hasPrefix(path + ": ") == true)
    #expect(problem?.kind == .input)
  }

  @Test(arguments: 0..<20) func survivesDamage(block: Int) throws {
    let bytes = try readFile(goldenPath("formats/tiny.safetensors"))
    let directory = try TemporaryDirectory()
    for seed in UInt64(block * 100)..<UInt64(block * 100 + 100) {
      let path = try directory.write("damaged", damaged(bytes, seed: seed))
      guard let file = try? SafetensorsFile(path) else { continue }
      for name in file.names { _ = file.withBytes(of: name) { $0.reduce(0) { $0 ^ $1 } } }
    }
  }
}

/// Writes to a device that is always full.
private struct SafetensorsWriterOnFullDisk {
  let problem: Problem

  init() throws {
    let caught = #expect(throws: Problem.self) {
      let writer = try SafetensorsWriter("/dev/full", entries: [.init("x", "U8", [1])])
      try writer.write([1], of: "x")
      try writer.finish()
    }
    problem = try #require(caught)
  }
}
