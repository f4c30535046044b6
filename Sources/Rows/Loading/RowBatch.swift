import Formats

/// Neighbouring rows of a file as they were read.
struct RowBatch: Sendable {
  /// Bytes of rows that make a batch: enough that sharing them out costs nothing, little enough that what is
  /// in flight stays small beside a tokenizer.
  static let byteLimit = 1 << 18

  typealias Row = (place: RowPlace, json: Result<JSON, RowFault>)

  let reader: RowReader
  /// The number of their source.
  let source: Int
  private(set) var rows: [Row] = []
  /// About as many as the rows have in their file.
  private(set) var bytes = 0

  init(reader: RowReader, source: Int) {
    self.reader = reader
    self.source = source
  }

  var isFull: Bool { bytes >= Self.byteLimit }

  mutating func add(_ place: RowPlace, _ json: Result<JSON, RowFault>) {
    rows.append((place, json))
    if case .success(let json) = json { bytes += json.approximateBytes }
    bytes += 1
  }
}

extension JSON {
  /// About the bytes of the value as text.
  fileprivate var approximateBytes: Int {
    switch self {
    case .null, .bool, .integer: 4
    case .number: 8
    case .string(let text): text.utf8.count + 2
    case .array(let elements): elements.reduce(2) { $0 + $1.approximateBytes + 2 }
    case .object(let object):
      object.members.reduce(2) { $0 + $1.key.utf8.count + $1.value.approximateBytes + 6 }
    }
  }
}
