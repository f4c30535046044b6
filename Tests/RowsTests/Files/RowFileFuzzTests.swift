import Formats
import Foundation
import TestSupport
import Testing

@testable import Rows

/// Files of every kind and packing with all sorts of damage, as far as to their rows. FINETUNE_FUZZ sets how
/// many are tried.
@Suite struct RowFileFuzzTests {
  private static let count =
    ProcessInfo.processInfo.environment["FINETUNE_FUZZ"].flatMap(Int.init) ?? 3000

  @Test func damagedFilesNeitherHangNorPassAsWhole() throws {
    let samples = try FuzzSample.all()
    let directory = try TemporaryDirectory()
    let whole = try samples.map { sample in
      let read = ReadRows(try directory.write(sample.name, sample.bytes))
      try #require(read.isClean, "\(sample.name): \(read)")
      return read.rows.count
    }
    for seed in UInt64(0)..<UInt64(Self.count) {
      var random = SplitMix64(seed: seed)
      let index = Int.random(in: 0..<samples.count, using: &random)
      let sample = samples[index]
      let isCut = seed.isMultiple(of: 3)
      let bytes =
        isCut
        ? Array(sample.bytes[..<Int.random(in: 0..<sample.bytes.count, using: &random)])
        : Self.damaged(sample.bytes, among: samples, &random)
      let path = try directory.write(sample.name, bytes)
      let start = ContinuousClock.now
      let read = ReadRows(path)
      #expect(ContinuousClock.now - start < .seconds(5), "seed \(seed): \(sample.name)")
      if isCut, !sample.borders.contains(bytes.count) {
        #expect(
          !read.isClean || read.rows.count >= whole[index],
          "seed \(seed): \(sample.name), cut at \(bytes.count), passes: \(read.rows.count) rows")
      }
    }
  }

  private static func damaged(
    _ bytes: [UInt8], among samples: [FuzzSample], _ random: inout SplitMix64
  ) -> [UInt8] {
    let other = samples[Int.random(in: 0..<samples.count, using: &random)].bytes
    var result = bytes
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let kind = Int.random(in: 0..<Mutation.allCases.count, using: &random)
      result = Mutation.allCases[kind].applied(to: result, other: other, &random)
    }
    return result
  }

  /// One bit of a packed file turned: its checksum tells, or nothing of its rows has changed.
  @Test func turnedBitsOfPackedFilesAreSeen() throws {
    let directory = try TemporaryDirectory()
    for sample in try FuzzSample.all() where sample.isPacked {
      let whole = ReadRows(try directory.write(sample.name, sample.bytes))
      for seed in UInt64(0)..<40 {
        var random = SplitMix64(seed: seed)
        var bytes = sample.bytes
        // Without its first bytes a file is not packed at all, which a plain name does not tell.
        let place = Int.random(in: 4..<bytes.count, using: &random)
        bytes[place] ^= 1 << UInt8(seed % 8)
        let read = ReadRows(try directory.write(sample.name, bytes))
        #expect(
          read.problem != nil || (read.rows == whole.rows && read.faults == whole.faults),
          "\(sample.name), seed \(seed): \(read)")
      }
    }
  }
}
