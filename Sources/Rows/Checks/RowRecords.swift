import Formats
import Text

/// What is kept of every row of a check: 32 bytes, so that files of millions of rows fit.
struct RowRecords {
  private struct Record {
    /// Of who says what, white space aside.
    let content: UInt64
    /// Of the last answer; 0 where there is none.
    let answer: UInt32
    let index: UInt32
    let line: UInt32
    let bytes: UInt32
    let answerBytes: UInt32
    /// Not refused.
    let isTaken: Bool
  }

  /// Rows of one file, which stand one behind the other.
  private struct File {
    let path: String
    let isLineFile: Bool
    let source: Int
    let firstRow: Int
  }

  private var records = ChunkedList<Record>()
  private var files: [File] = []

  /// - Parameter row: nil for a row that was refused, which only counts.
  mutating func add(_ row: CheckedRow?, _ place: RowPlace, source: Int) {
    let answer = row?.answer
    if files.last.map({ $0.path != place.file || $0.source != source }) ?? true {
      files.append(
        File(
          path: place.file, isLineFile: place.isLineFile, source: source, firstRow: records.count))
    }
    records.append(
      Record(
        content: row.flatMap(Self.content) ?? 0, answer: answer.map { Self.answer($0) } ?? 0,
        index: UInt32(clamping: place.index), line: UInt32(clamping: place.line),
        bytes: UInt32(clamping: row?.texts.reduce(0) { $0 + $1.bytes.count } ?? 0),
        answerBytes: UInt32(clamping: answer?.bytes.count ?? 0), isTaken: row != nil))
  }

  var count: Int { records.count }

  func place(_ number: Int) -> RowPlace {
    let (record, file) = (records[number], file(number))
    return RowPlace(
      file: file.path, index: Int(record.index), line: Int(record.line),
      isLineFile: file.isLineFile)
  }

  func source(_ number: Int) -> Int { file(number).source }

  /// The last file that begins at this row or before it.
  private func file(_ number: Int) -> File {
    var (low, high) = (0, files.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if files[middle].firstRow <= number { low = middle } else { high = middle }
    }
    return files[low]
  }

  // MARK: Rows that are the same

  /// Groups of rows that say the same, each in ascending order, by their first row.
  func groups() -> [[Int]] {
    var numbers: [UInt32] = []
    for index in records.indices where records[index].content != 0 {
      numbers.append(UInt32(clamping: index))
    }
    numbers.sort {
      (records[Int($0)].content, $0) < (records[Int($1)].content, $1)
    }
    var groups: [[Int]] = []
    var start = 0
    for end in 1..<max(numbers.count + 1, 1) {
      let isSame =
        end < numbers.count
        && records[Int(numbers[end])].content == records[Int(numbers[start])].content
      if isSame { continue }
      if end - start > 1 { groups.append(numbers[start..<end].map { Int($0) }) }
      start = end
    }
    return groups.sorted { $0[0] < $1[0] }
  }

  /// Roles, texts and tools; white space counts as one space, at the ends as none.
  static func content(_ row: CheckedRow) -> UInt64? {
    var hash = ByteHash()
    if row.texts.isEmpty {
      // Tokens and other rows without texts: the row as it is.
      for byte in row.outcome.json.text(sortedKeys: true).utf8 { hash.add(byte) }
      return hash.value
    }
    for text in row.texts {
      for byte in text.role.utf8 { hash.add(byte) }
      hash.add(0)
      add(text.bytes, to: &hash)
      hash.add(0)
    }
    for tool in row.outcome.conversation?.tools ?? [] {
      for byte in tool.text(sortedKeys: true).utf8 { hash.add(byte) }
    }
    return hash.value
  }

  private static func answer(_ text: CheckedText) -> UInt32 {
    var hash = ByteHash()
    add(text.bytes, to: &hash)
    return max(1, UInt32(truncatingIfNeeded: hash.value))
  }

  private static func add(_ bytes: [UInt8], to hash: inout ByteHash) {
    var (isPending, hasBegun) = (false, false)
    for byte in bytes {
      if byte == 0x20 || (0x09...0x0D).contains(byte) {
        isPending = hasBegun
        continue
      }
      if isPending { hash.add(0x20) }
      (isPending, hasBegun) = (false, true)
      hash.add(byte)
    }
  }

  // MARK: Rows beside all others of their file

  /// Rows of one source that were taken.
  private func taken(of source: Int) -> [Int] {
    files.indices.filter { files[$0].source == source }.flatMap { index in
      let end = index + 1 < files.count ? files[index + 1].firstRow : records.count
      return (files[index].firstRow..<end).filter { records[$0].isTaken }
    }
  }

  /// The answer that more than half of at least 20 rows of a file have: the first such row, and how many.
  func dominantAnswer(of source: Int) -> (row: Int, count: Int, rows: Int)? {
    let rows = taken(of: source)
    guard rows.count >= 20 else { return nil }
    let answers = rows.map { records[$0].answer }.sorted()
    // More than half of a sorted list holds its middle.
    let middle = answers[answers.count / 2]
    let count = answers.count { $0 == middle }
    guard middle != 0, 2 * count > rows.count,
      let first = rows.first(where: { records[$0].answer == middle })
    else { return nil }
    return (first, count, rows.count)
  }

  /// Rows of a file of at least 100 that are far longer, or whose answers are far shorter, than the others:
  /// by eight times and by six deviations of the logarithm (median absolute deviation).
  ///
  /// - Parameter isLeftOut: Whether a row does not count.
  func unusualLengths(
    of source: Int, except isLeftOut: (Int) -> Bool = { _ in false }
  ) -> [(row: Int, sentence: String)] {
    let rows = taken(of: source).filter { !isLeftOut($0) }
    guard rows.count >= 100 else { return [] }
    let whole = LengthScale(rows.map { records[$0].bytes })
    let answers = LengthScale(rows.map { records[$0].answerBytes }.filter { $0 > 0 })
    return rows.compactMap { row in
      let record = records[row]
      if let times = whole.times(record.bytes), times > 0 {
        return (
          row, "the row has \(record.bytes) bytes, half of the others less than \(whole.middle)"
        )
      }
      if record.answerBytes > 0, let times = answers.times(record.answerBytes), times < 0 {
        return (
          row,
          "the answer has \(record.answerBytes) bytes, half of the others more than \(answers.middle)"
        )
      }
      return nil
    }
  }
}
