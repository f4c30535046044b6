import Formats
import TestSupport

@testable import Rows

/// What came of reading a file of rows.
struct ReadRows {
  private(set) var rows: [JSON] = []
  private(set) var places: [RowPlace] = []
  /// What is wrong with rows, each with its line in front.
  private(set) var faults: [String] = []
  /// What was in the way of reading on.
  private(set) var problem: String?

  /// Whether every row that was found was read.
  var isClean: Bool { faults.isEmpty && problem == nil }

  init(_ path: String) {
    do throws(Problem) {
      try RowFile(path).forEachResult { place, result throws(Problem) in
        switch result {
        case .success(let row):
          rows.append(row)
          places.append(place)
        case .failure(let fault): faults.append("\(place.line): \(fault.sentence)")
        }
      }
    } catch {
      problem = error.description
    }
  }

  /// Reads `bytes` from a file with this name.
  init(_ bytes: some Sequence<UInt8>, named name: String) throws {
    let directory = try TemporaryDirectory()
    self.init(try directory.write(name, bytes))
    problem = problem?.replacing("\(directory.path)/", with: "")
  }

  init(_ text: String, named name: String) throws { try self.init(text.utf8, named: name) }
}

/// Text as UTF-16.
func utf16(_ text: String, bigEndian: Bool, mark: Bool = true) -> [UInt8] {
  ((mark ? "\u{FEFF}" : "") + text).utf16.flatMap { unit in
    let bytes = [UInt8(unit >> 8), UInt8(unit & 0xFF)]
    return bigEndian ? bytes : bytes.reversed()
  }
}
