import Foundation
import TestSupport
import Testing

@testable import Formats

@Suite struct FileChecksumsTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private var cache: String { folder.path("cache") }

  /// A file that was left alone for a while.
  private func file(_ text: String, age: Int = 3) throws -> String {
    let path = try folder.write("file", Array(text.utf8))
    // Times that the system keeps itself cannot be set back: wait.
    if age > 0 { sleep(UInt32(age)) }
    return path
  }

  @Test func whatIsKnownIsNotReadAgain() throws {
    let path = try file("one")
    let sum = SHA256Digest(of: Array("one".utf8)).hex
    let first = FileChecksums(in: cache)
    #expect(try first.sha256(of: path) == sum)
    try first.save()
    // The index is believed: another sum in it shows that the file was not read.
    let index = cache + "/files.json"
    let other = String(repeating: "a", count: 64)
    let text = String(decoding: try readFile(index), as: UTF8.self)
    try writeFile(index, text.replacingOccurrences(of: sum, with: other))
    #expect(try FileChecksums(in: cache).sha256(of: path) == other)
    // A changed file is not what the index knows, even with its old time.
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    try writeFile(path, "two")
    try FileManager.default.setAttributes(
      [.modificationDate: try #require(attributes[.modificationDate])], ofItemAtPath: path)
    #expect(
      try FileChecksums(in: cache).sha256(of: path) == SHA256Digest(of: Array("two".utf8)).hex)
  }

  @Test func aFileThatJustChangedIsNotRemembered() throws {
    let path = try file("one", age: 0)
    let sums = FileChecksums(in: cache)
    _ = try sums.sha256(of: path)
    try sums.save()
    #expect(!fileExists(cache + "/files.json"))
  }

  @Test(arguments: ["", "[", "{}", "[{}]", "[{\"path\":1}]", "[1e999]"])
  func aDamagedIndexIsNoIndex(text: String) throws {
    try createDirectory(cache)
    try writeFile(cache + "/files.json", text)
    let path = try file("one", age: 0)
    #expect(
      try FileChecksums(in: cache).sha256(of: path) == SHA256Digest(of: Array("one".utf8)).hex)
  }

  @Test func severalProcessesWriteOneIndex() throws {
    let paths = try (0..<3).map { try folder.write("f\($0)", [UInt8($0)]) }
    let all = paths.map { path in
      let sums = FileChecksums(in: cache)
      sums.remember(String(repeating: "b", count: 64), ofOwn: path)
      return sums
    }
    for sums in all { try sums.save() }
    try FileManager.default.removeItem(atPath: paths[1])
    let last = FileChecksums(in: cache)
    for path in [paths[0], paths[2]] {
      #expect(try last.sha256(of: path) == String(repeating: "b", count: 64))
    }
    // What is gone is forgotten when something new comes.
    last.remember(String(repeating: "c", count: 64), ofOwn: paths[0])
    try last.save()
    #expect(try readJSON(cache + "/files.json").array?.count == 2)
  }
}
