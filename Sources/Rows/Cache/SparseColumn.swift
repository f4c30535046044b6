import Formats

/// A column of the tokens of only some rows: weights, where there are any.
struct SparseColumn<Element: HDF5Element & Sendable>: Sendable {
  let name: String
  /// The rows that have values, in ascending order, and where the values of each begin and end.
  private let rows: [Int32]
  private let offsets: [Int]

  /// Nil where the rows are not in order, or their values not there.
  init?(_ name: String, in file: HDF5ColumnReader, facts: RowFacts) throws(Problem) {
    self.name = name
    rows = try file.read("\(name)/row", of: Int32.self)
    guard zip(rows, rows.dropFirst()).allSatisfy({ $0 < $1 }),
      rows.allSatisfy({ $0 >= 0 && $0 < facts.count })
    else { return nil }
    var offsets = [0]
    for row in rows { offsets.append(offsets[offsets.count - 1] + facts.range(Int(row)).count) }
    self.offsets = offsets
    guard file.count("\(name)/value", of: Element.self) == offsets[rows.count] else { return nil }
  }

  /// The values of a row; nil where it has none.
  func values(of row: Int, in file: HDF5ColumnReader) throws(Problem) -> [Element]? {
    var (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if rows[middle] < row { low = middle + 1 } else { high = middle }
    }
    guard low < rows.count, rows[low] == row else { return nil }
    return try file.read("\(name)/value", offsets[low]..<offsets[low + 1])
  }
}

/// The same while it is written.
struct SparseColumnWriter<Element: HDF5Element> {
  private let rows: HDF5Column<Int32>
  private let values: HDF5Column<Element>

  init(_ name: String, in file: HDF5ColumnWriter) throws(Problem) {
    rows = try file.column("\(name)/row", of: Int32.self)
    values = try file.column("\(name)/value", of: Element.self)
  }

  func append(_ values: [Element], row: Int) throws(Problem) {
    try rows.append(Int32(row))
    try self.values.append(values)
  }
}
