import Formats

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// The part of a file of rows that is being looked at: a buffer that moves along the text and grows only
/// where one row needs it.
final class RowWindow {
  /// The longest row; a longer one is a mistake, or a file whose lines nobody ended.
  static let longestRow = 1 << 28
  private static let usual = 1 << 18

  let path: String
  private let stream: any ByteStream
  private(set) var bytes = [UInt8](repeating: 0, count: usual)
  /// The first byte that was not consumed.
  private(set) var start = 0
  /// Where the bytes end that were read.
  private(set) var end = 0
  /// Nothing comes behind `end`.
  private(set) var isLast = false
  /// Line of the file at `start`, from 1.
  private(set) var line = 1
  /// Bytes of this line that were consumed.
  private var column = 0

  /// - Throws: For a file that cannot be opened or holds no text.
  init(_ path: String) throws(Problem) {
    self.path = path
    stream = try UTF8File.open(path)
  }

  /// Reads on. Places move: only the distance from `start` stays.
  func more() throws(Problem) {
    try makeRoom()
    do {
      let count = try stream.read(into: &bytes, from: end)
      end += count
      isLast = count == 0
    } catch {
      switch error {
      case .system(let problem): throw problem
      case .content(let sentence): throw Problem("\(path):\(line)", sentence)
      }
    }
  }

  private func makeRoom() throws(Problem) {
    let count = end - start
    guard count < Self.longestRow else {
      throw Problem(
        "\(path):\(line)",
        "a row is longer than \(Self.longestRow >> 20) MB, expected shorter ones; split the text, or end the"
          + " lines of the file")
    }
    let isHuge = bytes.count > 16 * Self.usual && count <= Self.usual
    if count > bytes.count / 2 || isHuge {
      // Doubling keeps what is read twice below what is read once.
      var grown = [UInt8](repeating: 0, count: max(2 * count, Self.usual))
      grown.replaceSubrange(0..<count, with: bytes[start..<end])
      bytes = grown
    } else if start > 0 {
      bytes.withUnsafeMutableBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        memmove(base, base + start, count)
      }
    }
    start = 0
    end = count
  }

  /// Goes on to `place`.
  func consume(to place: Int) {
    while let newline = newline(from: start, to: place) {
      line += 1
      column = 0
      start = newline + 1
    }
    column += place - start
    start = place
  }

  /// Skips a byte order mark; files that were joined have some inside.
  func skipMark() throws(Problem) {
    while end - start < 3, !isLast { try more() }
    guard bytes[start..<end].starts(with: [0xEF, 0xBB, 0xBF]) else { return }
    start += 3
  }

  // MARK: Lines

  /// The first line break in a range.
  private func newline(from start: Int, to end: Int) -> Int? {
    guard start < end else { return nil }
    return bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, let found = memchr(base + start, 0x0A, end - start) else {
        return nil
      }
      return UnsafeRawPointer(found) - base
    }
  }

  /// Where the line ends that begins at `start`: its line break, or `end` where the last one has none. nil
  /// where there is no line.
  func endOfLine() throws(Problem) -> Int? {
    var searched = 0
    while true {
      if let newline = newline(from: start + searched, to: end) { return newline }
      searched = end - start
      if isLast { return searched == 0 ? nil : end }
      try more()
    }
  }

  /// Line and column, from 1, of a byte that is not consumed yet.
  func position(of place: Int) -> (line: Int, column: Int) {
    let before = bytes[start..<place]
    guard let newline = before.lastIndex(of: 0x0A) else { return (line, column + before.count + 1) }
    return (line + before.count { $0 == 0x0A }, place - newline)
  }

  // MARK: Text

  /// The text of a range.
  ///
  /// - Throws: Where it is not UTF-8, with line and byte.
  func text(_ range: Range<Int>) throws(Problem) -> String {
    // A span of a property would not be known to live as long.
    let bytes = bytes
    do throws(UTF8.ValidationError) {
      return String(copying: try UTF8Span(validating: bytes.span.extracting(range)))
    } catch {
      let fault = UTF8Fault(bytes, at: range.lowerBound + error.byteOffsets.lowerBound)
      let (line, column) = position(of: fault.place)
      throw Problem("\(path):\(line)", fault.sentence(column: column))
    }
  }
}
