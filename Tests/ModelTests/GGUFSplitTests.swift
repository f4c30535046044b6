import Formats
import Foundation
import Model
import TestSupport
import Testing

/// A model in three files (scripts/golden/gguf_split.py) is the model in one.
@Suite struct GGUFSplitTests {
  static let names = (1...3).map { "tiny-0000\($0)-of-00003.gguf" }

  let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    for name in Self.names {
      try FileManager.default.copyItem(
        atPath: goldenPath("weights/split/\(name)"), toPath: directory.path(name))
    }
  }

  private func sentence(_ path: String) -> String {
    #expect(throws: Problem.self) { try PretrainedFiles.open(path) }?.description ?? ""
  }

  @Test func readsAllPartsAsOneModel() throws {
    let whole = try PretrainedFiles.open(goldenPath("weights/tiny.gguf"))
    let parts = try PretrainedFiles.open(directory.path(Self.names[0]))
    #expect(parts.specification == whole.specification)
    #expect(parts.gguf?.files.count == 3)
    try expectSameTensors(parts, whole)
    #expect(parts.fingerprint != whole.fingerprint, "other files")
  }

  @Test func findsTheFirstPartInADirectory() throws {
    let files = try PretrainedFiles.open(directory.path)
    #expect(files.path == directory.path(Self.names[0]))
    let first = try PretrainedFiles.open(directory.path(Self.names[0]))
    #expect(files.fingerprint == first.fingerprint)
    var bytes = try readFile(directory.path(Self.names[2]))
    bytes[bytes.count - 40] ^= 1
    _ = try directory.write(Self.names[2], bytes)
    #expect(try PretrainedFiles.open(directory.path).fingerprint != first.fingerprint)
  }

  @Test func namesWhatIsWrong() throws {
    #expect(
      sentence(directory.path(Self.names[1])).contains(
        "this is part 2 of 3 of a model; name the first, tiny-00001-of-00003.gguf"))
    try FileManager.default.moveItem(
      atPath: directory.path(Self.names[2]), toPath: directory.path("kept"))
    #expect(
      sentence(directory.path(Self.names[0])).contains("part 3 of 3 of the model is missing"))
    #expect(sentence(directory.path).contains("there are 2 .gguf files"))
    try FileManager.default.copyItem(
      atPath: directory.path(Self.names[1]), toPath: directory.path(Self.names[2]))
    #expect(
      sentence(directory.path(Self.names[0])).contains(
        "the file says that it is part 2 of 3, expected 3 of 3"))
    try FileManager.default.moveItem(
      atPath: directory.path(Self.names[0]), toPath: directory.path("tiny.gguf"))
    #expect(
      sentence(directory.path("tiny.gguf")).contains(
        "expected a name that ends in -00001-of-00003.gguf"))
  }

  @Test func partsOfOtherModelsDoNotFit() throws {
    // The same number, another tensor count in all.
    var bytes = try readFile(directory.path(Self.names[0]))
    let key = try #require(bytes.firstRange(of: Array("split.tensors.count".utf8)))
    bytes[key.upperBound + 4] += 1
    _ = try directory.write(Self.names[0], bytes)
    #expect(sentence(directory.path(Self.names[0])).contains("tensors, expected"))
  }

  @Test func survivesDamage() throws {
    for (index, name) in Self.names.enumerated() {
      let bytes = try readFile(directory.path(name))
      for seed in UInt64(0)..<80 {
        _ = try directory.write(
          name, damaged(bytes, seed: seed + UInt64(index) * 1000, within: min(bytes.count, 2500)))
        guard let files = try? PretrainedFiles.open(directory.path(Self.names[0])) else { continue }
        for linear in files.specification.linears { _ = try? files.tensor(linear) }
      }
      _ = try directory.write(name, bytes)
    }
  }
}
