/// The cells of one row of a table, as places in its bytes (RFC 4180).
struct TableLine {
  struct Cell {
    var range: Range<Int>
    /// Whether quotes are doubled in it, or lines end as on Windows.
    var isWritten = false
  }

  private(set) var cells: [Cell] = []
  /// Behind the row and its line break.
  private(set) var end: Int
  /// A quoted cell does not end before the text does.
  private(set) var isOpen = false
  /// Something stands between a closing quote and the next cell.
  private(set) var isBroken = false

  /// Nothing is in the row, not even a separator.
  var isBlank: Bool { cells.count == 1 && cells[0].range.isEmpty && !isQuoted }
  private var isQuoted = false

  /// - Parameter isLast: Whether nothing comes behind `range`.
  /// - Returns: nil where the row does not end in `range` and more may come.
  init?(_ bytes: [UInt8], in range: Range<Int>, separator: UInt8, isLast: Bool) {
    var scanner = TableScanner(bytes: bytes, end: range.upperBound, separator: separator)
    end = range.lowerBound
    while true {
      isQuoted = scanner.isAt(UInt8(ascii: "\""), end)
      let cell = isQuoted ? scanner.quoted(from: end) : scanner.plain(from: end)
      end = scanner.place
      cells.append(cell)
      isBroken = isBroken || scanner.isBroken
      switch scanner.stop {
      case .separator: continue
      case .newline: return
      case .end:
        guard isLast else { return nil }
        isOpen = scanner.isOpen
        return
      }
    }
  }
}

/// Goes through the bytes of a table, cell by cell.
private struct TableScanner {
  enum Stop { case separator, newline, end }

  let bytes: [UInt8]
  let end: Int
  let separator: UInt8
  /// Behind what ended the cell.
  var place = 0
  var stop = Stop.end
  var isBroken = false
  var isOpen = false

  init(bytes: [UInt8], end: Int, separator: UInt8) {
    self.bytes = bytes
    self.end = end
    self.separator = separator
  }

  func isAt(_ byte: UInt8, _ place: Int) -> Bool { place < end && bytes[place] == byte }

  mutating func plain(from start: Int) -> TableLine.Cell {
    var place = start
    while place < end, bytes[place] != separator, bytes[place] != 0x0A { place += 1 }
    finish(at: place)
    let isCRLF = stop != .separator && place > start && bytes[place - 1] == 0x0D
    return TableLine.Cell(range: start..<(isCRLF ? place - 1 : place))
  }

  mutating func quoted(from start: Int) -> TableLine.Cell {
    var cell = TableLine.Cell(range: start + 1..<start + 1)
    var place = start + 1
    while place < end {
      switch bytes[place] {
      case UInt8(ascii: "\"") where isAt(UInt8(ascii: "\""), place + 1):
        cell.isWritten = true
        place += 2
      case UInt8(ascii: "\""):
        cell.range = start + 1..<place
        close(at: place + 1)
        return cell
      case 0x0D:
        cell.isWritten = true
        place += 1
      default: place += 1
      }
    }
    cell.range = start + 1..<max(start + 1, end)
    isOpen = true
    finish(at: end)
    return cell
  }

  /// Goes from a closing quote to the end of its cell.
  private mutating func close(at start: Int) {
    let isCRLF = isAt(0x0D, start) && (start + 1 == end || isAt(0x0A, start + 1))
    var place = isCRLF ? start + 1 : start
    while place < end, bytes[place] != separator, bytes[place] != 0x0A {
      isBroken = true
      place += 1
    }
    finish(at: place)
  }

  private mutating func finish(at place: Int) {
    guard place < end else {
      stop = .end
      self.place = end
      return
    }
    stop = bytes[place] == separator ? .separator : .newline
    self.place = place + 1
  }
}
