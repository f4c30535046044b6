import Foundation
import TestSupport
import Testing

@testable import Formats

@Suite struct HDF5ColumnTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Columns of several chunks, with a rest, and one that stays empty.
  private func write(_ name: String) throws -> String {
    let path = folder.path(name)
    let writer = try HDF5ColumnWriter(path)
    let ids = try writer.column("ids", of: Int32.self, chunk: 100)
    let numbers = try writer.column("row/number", of: Int.self, chunk: 7)
    let weights = try writer.column("weights", of: Float.self)
    for value in 0..<1050 { try ids.append(Int32(value * value)) }
    try numbers.append((0..<30).map { $0 << 40 })
    #expect(ids.count == 1050 && numbers.count == 30 && weights.count == 0)
    try writer.close()
    return path
  }

  @Test func anyStretchIsReadBack() throws {
    let reader = try HDF5ColumnReader(try write("a.h5"))
    #expect(reader.count("ids", of: Int32.self) == 1050)
    #expect(reader.count("weights", of: Float.self) == 0)
    for range in [0..<1050, 0..<0, 99..<101, 100..<200, 1049..<1050, 37..<941] {
      #expect(try reader.read("ids", range) == range.map { Int32($0 * $0) })
    }
    #expect(try reader.read("row/number") == (0..<30).map { $0 << 40 })
    #expect(try reader.read("weights", of: Float.self) == [])
  }

  @Test func whatIsNotThereIsAProblem() throws {
    let reader = try HDF5ColumnReader(try write("a.h5"))
    #expect(throws: Problem.self) { try reader.read("ids", 1000..<1051, of: Int32.self) }
    #expect(throws: Problem.self) { try reader.read("ids", of: Float.self) }
    #expect(throws: Problem.self) { try reader.read("other", of: Int32.self) }
    #expect(throws: Problem.self) { try reader.read("row", of: Int.self) }
    #expect(reader.count("row/number", of: Int32.self) == nil)
  }

  @Test func equalColumnsMakeEqualBytes() throws {
    #expect(try readFile(try write("a.h5")) == readFile(try write("b.h5")))
  }

  /// A chunk whose bytes changed does not have its checksum any more.
  @Test func aDamagedChunkIsAProblem() throws {
    let path = folder.path("random.h5")
    let writer = try HDF5ColumnWriter(path)
    let column = try writer.column("ids", of: Int32.self, chunk: 4096)
    var random = SplitMix64(seed: 1)
    try column.append(random.integers(4096, in: Int32.min..<Int32.max))
    try writer.close()
    var bytes = try readFile(path)
    bytes[bytes.count / 2] ^= 0x10
    try writeFile(path, bytes: bytes)
    let reader = try HDF5ColumnReader(path)
    #expect(throws: Problem.self) { try reader.read("ids", of: Int32.self) }
  }

  @Test func aFileThatIsNotCompletedIsLetGo() throws {
    let path = folder.path("left.h5")
    do {
      let writer = try HDF5ColumnWriter(path)
      try writer.column("ids", of: Int32.self, chunk: 10).append((0..<25).map(Int32.init))
    }
    #expect(throws: Never.self) { try removeTree(path) }
    #expect(try write("next.h5").hasSuffix("next.h5"))
  }
}
