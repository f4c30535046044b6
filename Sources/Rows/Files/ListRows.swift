import Formats

/// Rows of one JSON list, which may stand under a name in an object.
struct ListRows: RowParser {
  private static let names = ["data", "rows", "train"]

  private enum State { case before, inList, behind }

  private var state = State.before
  private var isFirst = true
  /// The name of the list; nil: the file is the list.
  private var name: String?
  /// A list in the object that holds no rows, as far as one can tell.
  private var otherName: String?

  mutating func next(_ window: RowWindow) throws(Problem) -> ParsedRow? {
    if state == .before { try begin(window) }
    guard state == .inList else { return nil }
    if try beginsElement(window) {
      let line = window.line
      let (json, fault) = try window.value()
      return ParsedRow(
        line: line, row: fault.map { .failure(RowFault($0)) } ?? .success(json))
    }
    if name != nil, try window.skip(",") { try skipMembers(window) }
    if name != nil, try !window.skip("}") { throw window.unexpected("\",\" or \"}\"") }
    guard try window.peek() == nil else {
      throw window.unexpected("nothing after the end of the \(name == nil ? "list" : "object")")
    }
    state = .behind
    return nil
  }

  /// Goes to the next element; false behind the last one.
  private mutating func beginsElement(_ window: RowWindow) throws(Problem) -> Bool {
    if isFirst {
      isFirst = false
      return try !window.skip("]")
    }
    if try window.skip(",") {
      // So that the line is that of the element.
      _ = try window.peek()
      return true
    }
    guard try window.skip("]") else { throw window.unexpected("\",\" or \"]\"") }
    return false
  }

  private mutating func begin(_ window: RowWindow) throws(Problem) {
    try window.skipMark()
    state = .inList
    if try window.skip("[") {
      _ = try window.peek()
      return
    }
    guard try window.skip("{") else {
      let found =
        try window.peek() == nil
        ? "an empty file" : JSONParser(window.bytes, in: window.start..<window.end).found
      throw noList(window, found)
    }
    if try window.peek() != UInt8(ascii: "}") { try skipMembers(window) }
    guard name != nil else { throw noList(window, "an object") }
  }

  private func noList(_ window: RowWindow, _ found: String) -> Problem {
    let names = Self.names.map { "\"\($0)\"" }.joined(separator: ", ")
    return Problem(
      window.path,
      "found \(found), expected a list of rows that begins with \"[\", or an object with one under \(names); a"
        + " file with one row a line is a .jsonl file")
  }

  /// Goes through members of the object up to its end or up to the list of rows, which is entered.
  private mutating func skipMembers(_ window: RowWindow) throws(Problem) {
    repeat {
      guard try window.peek() == UInt8(ascii: "\"") else {
        throw window.unexpected("a key in double quotes")
      }
      let key = try window.value().json.string ?? ""
      guard try window.skip(":") else { throw window.unexpected("\":\" after a key") }
      guard try window.peek() == UInt8(ascii: "[") else {
        _ = try window.value()
        continue
      }
      if let other = name ?? otherName, name != nil || Self.names.contains(key) {
        throw ambiguous(window, other, key)
      }
      if Self.names.contains(key) {
        name = key
        _ = try window.skip("[")
        _ = try window.peek()
        return
      }
      otherName = key
      _ = try window.value()
    } while try window.skip(",")
  }

  private func ambiguous(_ window: RowWindow, _ first: String, _ second: String) -> Problem {
    Problem(
      "\(window.path):\(window.line)",
      "the object holds several lists, \"\(first)\" and \"\(second)\", expected one; write the rows that are"
        + " meant into a file of their own")
  }
}
