import ArgumentParser
import Formats
import Foundation

/// The rows of a job as files: ours, or any Alpaca file of which every twentieth row is held out.
struct JobFiles {
  let train: String
  let heldOut: String
  let rows: Int

  /// - Parameters:
  ///   - data: An Alpaca file; nil takes the rows that `JobRows` makes.
  ///   - limit: The most rows to train on.
  ///   - directory: Where the two files go.
  init(data: String?, limit: Int?, directory: String) throws {
    var (learned, held): ([JSON], [JSON])
    if let data {
      let all = try Self.list(data)
      let isHeld = all.indices.map { ($0 + 1).isMultiple(of: 20) }
      learned = zip(all, isHeld).filter { !$1 }.map(\.0)
      held = zip(all, isHeld).filter { $1 }.map(\.0)
      guard !held.isEmpty else {
        throw Problem(data, "found \(all.count) rows, expected 20 or more, so that one is held out")
      }
    } else {
      let rows = JobRows()
      (learned, held) = (rows.train, rows.heldOut)
    }
    if let limit { learned = Array(learned.prefix(limit)) }
    try createDirectory(directory)
    train = "\(directory)/train.json"
    heldOut = "\(directory)/held-out.json"
    rows = learned.count
    try AtomicFile.write(train, JSON.array(learned).text(.indented) + "\n")
    try AtomicFile.write(heldOut, JSON.array(held).text(.indented) + "\n")
  }

  private static func list(_ path: String) throws(Problem) -> [JSON] {
    let json = try readJSON(path)
    guard let rows = json.array else {
      throw Problem(path, "found \(json.kindName), expected a list of Alpaca rows")
    }
    return rows
  }
}

struct Rows: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes the rows that `job` trains on, as train.json and held-out.json.")
  @Option(help: "Directory to write.") var output: String

  func run() throws {
    let files = try JobFiles(data: nil, limit: nil, directory: output)
    print("\(files.train)\n\(files.heldOut)")
  }
}
