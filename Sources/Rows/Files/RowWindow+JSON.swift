import Formats

extension RowWindow {
  /// Skips white space. The byte behind it; nil at the end of the file.
  func peek() throws(Problem) -> UInt8? {
    while true {
      let place =
        bytes[start..<end].firstIndex { ![0x20, 0x0A, 0x0D, 0x09].contains($0) } ?? end
      consume(to: place)
      if place < end { return bytes[place] }
      if isLast { return nil }
      try more()
    }
  }

  /// Skips white space, then `character` if it is next.
  func skip(_ character: Unicode.Scalar) throws(Problem) -> Bool {
    guard try peek() == UInt8(ascii: character) else { return false }
    consume(to: start + 1)
    return true
  }

  /// Parses the JSON value that comes next. `fault` tells what in it is not as it was written.
  func value() throws(Problem) -> (json: JSON, fault: JSONValueFault?) {
    while true {
      switch parsed() {
      case .complete(let json, let fault, let count):
        consume(to: start + count)
        return (json, fault)
      case .incomplete: try more()
      case .malformed(let error): throw notJSON(error.message, at: error.offset)
      }
    }
  }

  private enum Parsed {
    case complete(JSON, JSONValueFault?, byteCount: Int)
    /// More has to be read to tell.
    case incomplete
    case malformed(JSONSyntaxError)
  }

  /// The parser must be gone before the window moves on, or its bytes would be copied.
  private func parsed() -> Parsed {
    var parser = JSONParser(bytes, in: start..<end, notesFaults: true)
    do {
      let json = try parser.parseValue()
      // The digits of a number may go on.
      if parser.isAtEnd, !isLast { return .incomplete }
      return .complete(json, parser.fault, byteCount: parser.offset - start)
    } catch {
      return error.isIncomplete && !isLast ? .incomplete : .malformed(error)
    }
  }

  /// The fault that something else than `expected` comes next.
  func unexpected(_ expected: String) -> Problem {
    let found = JSONParser(bytes, in: start..<end).found
    return notJSON("found \(found), expected \(expected)", at: start)
  }

  private func notJSON(_ message: String, at place: Int) -> Problem {
    let (line, column) = position(of: place)
    if let fault = UTF8Fault(bytes, in: place..<min(end, place + 4)), fault.place == place {
      return Problem("\(path):\(line)", fault.sentence(column: column))
    }
    return Problem("\(path):\(line)", "this is not JSON (column \(column)): \(message)")
  }
}
