import Formats
import TestSupport
import Testing

@Suite struct HDF5Tests {
  @Test func readsWhatH5pyWrites() throws {
    let file = try HDF5Reader(goldenPath("formats/h5py.h5"))
    let first = try file.read("moments/first", as: Float.self)
    #expect(first.values == [0, 1, 2, 3, 4, 5])
    #expect(first.shape == [2, 3])
    #expect(try file.read("moments/double", as: Double.self).values == [0.1, 0.2])
    #expect(try file.read("ids", as: Int32.self).values == [1, -2, 3])
    #expect(try file.read("offsets", as: Int64.self).values == [1 << 40])
    #expect(try file.read("bytes", as: UInt8.self).values == [0, 1, 2, 3])
    #expect(try file.string("text") == "café")
    #expect(try file.strings("lines") == ["one", "", "三"])
    #expect(try file.attribute("step") == .integer(50))
    #expect(try file.attribute("rate") == .number(0.5))
    #expect(try file.attribute("kind", on: "ids") == .string("tokens"))
    #expect(try file.attribute("nothing") == nil)
    #expect(try file.names(in: "moments") == ["double", "first"])
    #expect(file.contains("moments/first"))
    #expect(!file.contains("nothing/at/all"))
  }

  @Test func readsBackWhatItWrites() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("state.h5")
    let writer = try HDF5Writer(path)
    try writer.write("a/b/values", [1.5, -2.5, 3.5, 4.5] as [Float], shape: [2, 2])
    try writer.write("a/b/count", [7])
    try writer.write("empty", [] as [Double])
    try writer.write("text", "é and 😀")
    try writer.write("lines", ["x", "", "y"])
    try writer.writeAttribute("step", .integer(3))
    try writer.writeAttribute("epoch", .number(0.25), on: "a/b/values")
    try writer.writeAttribute("name", .string("é"), on: "a")
    try writer.close()

    let reader = try HDF5Reader(path)
    let values = try reader.read("a/b/values", as: Float.self)
    #expect(values.values == [1.5, -2.5, 3.5, 4.5])
    #expect(values.shape == [2, 2])
    #expect(try reader.read("a/b/count", as: Int.self).values == [7])
    #expect(try reader.read("empty", as: Double.self).values.isEmpty)
    #expect(try reader.string("text") == "é and 😀")
    #expect(try reader.strings("lines") == ["x", "", "y"])
    #expect(try reader.integerAttribute("step") == 3)
    #expect(try reader.attribute("epoch", on: "a/b/values") == .number(0.25))
    #expect(try reader.attribute("name", on: "a") == .string("é"))
    #expect(try reader.entry("a/b/count") == .init(type: .int64, shape: [1]))
  }

  @Test func equalContentsMakeEqualBytes() throws {
    let directory = try TemporaryDirectory()
    for name in ["a", "b"] {
      let writer = try HDF5Writer(directory.path(name))
      try writer.write("group/x", [1, 2, 3] as [Float])
      try writer.write("text", "t")
      try writer.writeAttribute("step", .integer(1))
      try writer.close()
    }
    #expect(try readFile(directory.path("a")) == readFile(directory.path("b")))
  }

  @Test func tellsWhatIsWrong() throws {
    let file = try HDF5Reader(goldenPath("formats/h5py.h5"))
    func sentence(_ body: () throws -> Void) -> String {
      #expect(throws: Problem.self, performing: body)?.description ?? ""
    }
    #expect(
      sentence { _ = try file.read("nothing", as: Float.self) }.contains("\"nothing\" is missing"))
    #expect(
      sentence { _ = try file.read("ids", as: Float.self) }.contains(
        "is int32 [3], expected float32 [3]"))
    #expect(sentence { _ = try file.read("compressed", as: Float.self) }.contains("is compressed"))
    #expect(sentence { _ = try file.read("packed", as: Float.self) }.contains("not one of float32"))
    #expect(sentence { _ = try file.string("lines") }.contains("holds 3 strings"))
    #expect(sentence { _ = try file.integerAttribute("rate") }.contains("is not a whole number"))
    #expect(sentence { _ = try file.integerAttribute("nothing") }.contains("is missing"))
    var bytes: [UInt8] = [0, 0, 0, 0]
    #expect(
      sentence {
        try bytes.withUnsafeMutableBytes {
          try file.read("bytes", .uint8, shape: [2, 2], into: $0)
        }
      }.contains("is uint8 [4], expected uint8 [2, 2]"))
  }

  @Test func refusesWhatIsNotHDF5() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("x.h5", Array("no HDF5 at all".utf8))
    let problem = #expect(throws: Problem.self) { try HDF5Reader(path) }
    #expect(problem?.description.contains("not an HDF5 file") == true)
    #expect(throws: Problem.self) { try HDF5Reader(directory.path("missing.h5")) }
  }

  @Test func refusesACutFile() throws {
    let directory = try TemporaryDirectory()
    let bytes = try readFile(goldenPath("formats/h5py.h5"))
    for length in stride(from: 0, to: bytes.count, by: 997) {
      let path = try directory.write("cut.h5", bytes[..<length])
      #expect(throws: Problem.self) {
        let file = try HDF5Reader(path)
        _ = try file.read("moments/first", as: Float.self)
        _ = try file.strings("lines")
      }
    }
  }

  @Test func tellsOfAFullDisk() throws {
    let problem = #expect(throws: Problem.self) {
      let writer = try HDF5Writer("/dev/full")
      try writer.write("x", [Float](repeating: 1, count: 100_000))
      try writer.close()
    }
    #expect(problem?.kind == .run)
  }
}
