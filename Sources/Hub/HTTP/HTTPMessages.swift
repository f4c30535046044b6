import Formats

struct HTTPRequest {
  enum Method { case get, head }

  var method = Method.get
  var url: String
  var fields: [(name: String, value: String)] = []
  /// Seconds for the whole exchange; nil for a file, which may take its time while bytes come.
  var limit: Int?
}

/// Status and fields of an answer.
struct HTTPHead {
  var url: String
  var status = 0
  /// Names in lower case.
  private(set) var fields: [(name: String, value: String)] = []
  /// Where a redirection leads, as a whole address.
  var redirect: String?

  init(url: String) { self.url = url }

  /// The last field of this name.
  subscript(name: String) -> String? { fields.last { $0.name == name }?.value }

  var isRedirect: Bool { [301, 302, 303, 307, 308].contains(status) }
  var isSuccess: Bool { (200...299).contains(status) }

  /// Takes a line of the answer; another status line starts it anew (after `100 Continue`).
  mutating func take(line: String) {
    let text = line.trimmingPrefix { $0.isWhitespace }
    if text.lowercased().hasPrefix("http/") {
      let words = text.split { $0.isWhitespace }
      status = words.count > 1 ? Int(words[1]) ?? 0 : 0
      fields = []
      return
    }
    guard let colon = text.firstIndex(of: ":"), fields.count < 200 else { return }
    var value = text[text.index(after: colon)...].trimmingPrefix { $0.isWhitespace }
    while value.last?.isWhitespace == true { value.removeLast() }
    fields.append((text[..<colon].lowercased(), String(value)))
  }

  /// A whole number of at least 0 in a field.
  func count(_ name: String) -> Int? {
    guard let value = self[name].flatMap({ Int($0) }), value >= 0 else { return nil }
    return value
  }
}

/// Why there is no whole answer.
enum HTTPFault: Error {
  /// The connection did not come about or broke; another try may do better.
  case broken(String)
  /// It will not do better.
  case impossible(String)
  /// The one who asked wants no more.
  case cancelled
  /// What came could not be taken.
  case refused(Problem)
}
