import Formats

/// The columns with one number a row.
struct RowColumns {
  private let offset: HDF5Column<Int>
  private let trainedTokens: HDF5Column<Int32>
  private let source: HDF5Column<Int32>
  private let fingerprint: HDF5Column<Int>
  private let file: HDF5Column<Int>
  private let index: HDF5Column<Int>
  private let line: HDF5Column<Int>
  private let order:
    (place: HDF5Column<Int32>, shared: HDF5Column<Int32>, length: HDF5Column<Int32>)
  /// Tokens of all rows so far.
  private var end = 0

  init(in writer: HDF5ColumnWriter) throws(Problem) {
    offset = try writer.column("row/offset", of: Int.self)
    trainedTokens = try writer.column("row/trained_tokens", of: Int32.self)
    source = try writer.column("row/source", of: Int32.self)
    fingerprint = try writer.column("row/fingerprint", of: Int.self)
    file = try writer.column("place/file", of: Int.self)
    index = try writer.column("place/index", of: Int.self)
    line = try writer.column("place/line", of: Int.self)
    order = (
      try writer.column("order/place", of: Int32.self),
      try writer.column("order/shared", of: Int32.self),
      try writer.column("order/length", of: Int32.self)
    )
    try offset.append(0)
  }

  mutating func append(_ row: AdmittedRow, source: Int) throws(Problem) {
    end += row.tokens.ids.count
    try offset.append(end)
    try trainedTokens.append(Int32(clamping: row.trainedTokens))
    try self.source.append(Int32(clamping: source))
    for half in [row.fingerprint.first, row.fingerprint.second] {
      try fingerprint.append(Int(truncatingIfNeeded: half))
    }
  }

  func append(_ place: RowPlace, file: Int) throws(Problem) {
    try self.file.append(file)
    try index.append(place.index)
    try line.append(place.line)
  }

  func finish(_ beginnings: BeginningOrder) throws(Problem) {
    try order.place.append(beginnings.places)
    try order.shared.append(beginnings.shared)
    try order.length.append(beginnings.lengths)
  }
}
