import Formats
import Foundation
import TestSupport
import Testing

@Suite struct FilesTests {
  @Test func readsWholeFiles() throws {
    let directory = try TemporaryDirectory()
    for size in [0, 1, 65535, 65536, 200_000] {
      let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 * 7) }
      let path = try directory.write("f", bytes)
      #expect(try readFile(path) == bytes)
      #expect(try MappedFile(path).withBytes { Array($0) } == bytes)
    }
  }

  @Test func tellsWhyAFileCannotBeRead() throws {
    let directory = try TemporaryDirectory()
    func sentence(_ path: String) -> String {
      #expect(throws: Problem.self) { try readFile(path) }?.description ?? ""
    }
    let missing = directory.path("missing")
    #expect(sentence(missing) == "\(missing): there is no such file; check the path")
    #expect(sentence(directory.path).contains("this is a directory, expected a file"))
    #expect(sentence("/dev/null").contains("not a regular file"))
    #expect(throws: Problem.self) { try MappedFile(directory.path) }
  }

  @Test func tellsWhereJSONIsWrong() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("a.json", Array("{\n \"a\": x}".utf8))
    let problem = #expect(throws: Problem.self) { try readJSON(path) }
    #expect(problem?.description.hasPrefix("\(path):2:7: ") == true, "\(problem!)")
  }

  @Test func splitsPaths() {
    #expect(parentDirectory(of: "/a/b/c/") == "/a/b")
    #expect(parentDirectory(of: "/a") == "/")
    #expect(parentDirectory(of: "a") == ".")
    #expect(lastPathComponent("/a/b/c//") == "c")
    #expect(lastPathComponent("a") == "a")
  }

  @Test func sumsAsSpecified() throws {
    // FIPS 180-2, appendix B.1.
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(SHA256Digest(of: Array("abc".utf8)).hex == abc)
    let directory = try TemporaryDirectory()
    let path = try directory.write("abc", Array("abc".utf8))
    #expect(try SHA256Digest(ofFile: path) == SHA256Digest(of: Array("abc".utf8)))
    let large = [UInt8](repeating: 97, count: (1 << 20) + 5)
    let largePath = try directory.write("large", large)
    let digest = try SHA256Digest(ofFile: largePath)
    #expect(digest == SHA256Digest(of: large))
    #expect(digest.byteCount == large.count)
  }
}

@Suite struct AtomicTests {
  private struct Stop: Error {}

  @Test func replacesAFileOnlyWhenComplete() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path("a.json")
    try AtomicFile.write(path, "one")
    #expect(throws: Stop.self) {
      try AtomicFile.write(path) { file in
        try file.write("half")
        throw Stop()
      }
    }
    #expect(try readFile(path) == Array("one".utf8))
    try AtomicFile.write(path, "two")
    #expect(try readFile(path) == Array("two".utf8))
    #expect(try directoryEntries(directory.path) == ["a.json"])
  }

  @Test func showsADirectoryOnlyWhenComplete() throws {
    let directory = try TemporaryDirectory()
    let destination = directory.path("runs/step-000050")
    let building = try AtomicDirectory(destination)
    #expect(lastPathComponent(building.path) == ".step-000050.partial")
    try writeFile("\(building.path)/x", "x")
    try createDirectory("\(building.path)/inner")
    try writeFile("\(building.path)/inner/y", "y")
    #expect(!directoryExists(destination))
    try building.commit()
    #expect(try readFile("\(destination)/inner/y") == Array("y".utf8))
    #expect(try directoryEntries(directory.path("runs")) == ["step-000050"])
  }

  @Test func leavesNothingAfterAFault() throws {
    let directory = try TemporaryDirectory()
    let destination = directory.path("out")
    #expect(throws: Stop.self) {
      try AtomicDirectory.write(destination) { path in
        try writeFile("\(path)/x", "x")
        throw Stop()
      }
    }
    #expect(try directoryEntries(directory.path).isEmpty)
  }

  @Test func keepsWhatIsThereUnlessReplacing() throws {
    let directory = try TemporaryDirectory()
    let destination = directory.path("out")
    try AtomicDirectory.write(destination) { try writeFile("\($0)/x", "old") }
    let problem = #expect(throws: Problem.self) { try AtomicDirectory(destination) }
    #expect(problem?.description.contains("exists already and is not empty") == true)
    try AtomicDirectory.write(destination) { try writeFile("\($0)/y", "new") }
    #expect(try directoryEntries(destination) == ["y"])
    #expect(try directoryEntries(directory.path) == ["out"])
  }

  @Test func usesAnEmptyDirectory() throws {
    let directory = try TemporaryDirectory()
    try createDirectory(directory.path("out"))
    let building = try AtomicDirectory(directory.path("out"))
    try writeFile("\(building.path)/x", "x")
    try building.commit()
    #expect(try directoryEntries(directory.path("out")) == ["x"])
  }

  @Test(arguments: [".", "..", "/", ""]) func refusesImpossibleNames(name: String) {
    #expect(throws: Problem.self) { try AtomicDirectory(name) }
  }

  @Test func removesLeftoversAndUndoesHalfAReplacement() throws {
    let directory = try TemporaryDirectory()
    try createDirectory(directory.path(".step-000010.partial"))
    try writeFile(directory.path(".step-000010.partial/x"), "x")
    try createDirectory(directory.path(".adapter.replaced"))
    try writeFile(directory.path(".adapter.replaced/x"), "old")
    try createDirectory(directory.path("step-000005"))
    #expect(try AtomicDirectory.removeLeftovers(in: directory.path) == [".step-000010.partial"])
    #expect(try directoryEntries(directory.path) == ["adapter", "step-000005"])
    #expect(try readFile(directory.path("adapter/x")) == Array("old".utf8))
  }

  @Test func removesLinksNotWhatTheyPointAt() throws {
    let directory = try TemporaryDirectory()
    try createDirectory(directory.path("kept"))
    try writeFile(directory.path("kept/x"), "x")
    try createDirectory(directory.path("gone"))
    try FileManager.default.createSymbolicLink(
      atPath: directory.path("gone/link"), withDestinationPath: directory.path("kept"))
    try removeTree(directory.path("gone"))
    #expect(try directoryEntries(directory.path) == ["kept"])
    #expect(fileExists(directory.path("kept/x")))
  }

  @Test func tellsOfAFullDisk() throws {
    let file = try OutputFile("/dev/full")
    let problem = #expect(throws: Problem.self) { try file.write("x") }
    #expect(
      problem?.description
        == "/dev/full: no space left on the device; free some space or choose another directory")
    #expect(problem?.kind == .run)
  }
}
