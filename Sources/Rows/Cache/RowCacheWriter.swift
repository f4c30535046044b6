import Formats
import Text

/// Writes the files of a cache while rows are made. Memory holds a chunk of each column.
final class RowCacheWriter {
  private let directory: String
  private let file: HDF5ColumnWriter
  private let ids: HDF5Column<Int32>
  private let isTrained: HDF5Column<UInt8>
  private var rows: RowColumns
  private let weights: SparseColumnWriter<Float>
  private let labels: SparseColumnWriter<Int32>
  private let beginnings: BeginningSorter
  private let verdicts: OutputFile
  private var lines: [UInt8] = []
  private var files: [RowCacheManifest.File] = []
  private var count = 0

  /// - Parameters:
  ///   - directory: Exists and is empty.
  ///   - sortedTokens: Tokens of beginnings that are in memory at most.
  init(_ directory: String, sortedTokens: Int) throws(Problem) {
    self.directory = directory
    file = try HDF5ColumnWriter("\(directory)/\(RowCacheManifest.tokens)")
    ids = try file.column("ids", of: Int32.self)
    isTrained = try file.column("trained", of: UInt8.self)
    rows = try RowColumns(in: file)
    weights = try SparseColumnWriter("weights", in: file)
    labels = try SparseColumnWriter("labels", in: file)
    beginnings = BeginningSorter(
      spillingTo: "\(directory)/beginnings.partial", limit: sortedTokens)
    verdicts = try OutputFile("\(directory)/\(RowCacheManifest.verdicts)")
  }

  func add(_ row: JudgedRow, source: Int) throws(Problem) {
    for verdict in row.verdicts { lines += Array(verdict.line.utf8) }
    if lines.count > 1 << 16 { try writeLines() }
    for admitted in row.admitted { try add(admitted, row.place, source: source) }
  }

  private func add(_ row: AdmittedRow, _ place: RowPlace, source: Int) throws(Problem) {
    let tokens = row.tokens
    try ids.append(tokens.ids)
    try isTrained.append(tokens.labels.map { $0 == RenderedRow.ignoredLabel ? 0 : 1 })
    let isOwn = zip(tokens.ids, tokens.labels).allSatisfy {
      $1 == RenderedRow.ignoredLabel || $0 == $1
    }
    if !isOwn { try labels.append(tokens.labels, row: count) }
    if let weights = tokens.weights { try self.weights.append(weights, row: count) }
    try beginnings.add(tokens.beginning)
    try rows.append(row, source: source)
    try rows.append(place, file: number(of: place))
    count += 1
  }

  /// The number of the file that a row is from.
  private func number(of place: RowPlace) -> Int {
    let isKnown = files.last?.path.utf8.elementsEqual(place.file.utf8) ?? false
    if !isKnown {
      files.append(RowCacheManifest.File(path: place.file, isLineFile: place.isLineFile))
    }
    return files.count - 1
  }

  private func writeLines() throws(Problem) {
    try verdicts.write(lines)
    lines.removeAll(keepingCapacity: true)
  }

  /// Completes the files; returns what the manifest says of them.
  func finish(key: JSON, summary: RowSummary) throws(Problem) -> RowCacheManifest {
    let order = try beginnings.finish()
    try rows.finish(order)
    try file.close()
    try writeLines()
    try verdicts.close()
    var sums: [String: RowCacheManifest.SHA256Sum] = [:]
    for name in [RowCacheManifest.tokens, RowCacheManifest.verdicts] {
      let sum = try SHA256Digest(ofFile: "\(directory)/\(name)")
      sums[name] = RowCacheManifest.SHA256Sum(size: sum.byteCount, hex: sum.hex)
    }
    let manifest = RowCacheManifest(key: key, summary: summary, files: files, sums: sums)
    try writeFile(
      "\(directory)/\(RowCacheManifest.name)", manifest.json.text(.indented) + "\n")
    return manifest
  }
}
