package import Formats

/// Variables that a person gives to a chat template beside those that every rendering has, such as
/// `enable_thinking`.
package struct TemplateVariables: Equatable, Sendable {
  /// Names with their values. A name stands for its last value, as everywhere in JSON.
  let values: [String: JSON]
  /// An object with the same, in the order of the names, so that what is equal is written equally.
  package let json: JSON

  package init() { self.init(JSONObject()) }

  /// Names are not checked; see `fault(inName:)`.
  package init(_ object: JSONObject) {
    values = Dictionary(object.members.map { ($0.key, $0.value) }) { $1 }
    json = .object(
      JSONObject(values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }))
  }

  /// Reads options of the form NAME=JSON.
  ///
  /// - Parameter option: What sentences call the option.
  /// - Throws: A `Problem` for an option that is not of this form, or a name that cannot be given.
  package init(options: [String], option: String) throws(Problem) {
    var object = JSONObject()
    for text in options {
      let bytes = text.utf8
      guard let sign = bytes.firstIndex(of: UInt8(ascii: "=")) else {
        throw Problem(
          option, "found \"\(text)\", expected NAME=JSON, such as enable_thinking=false")
      }
      let name = String(Substring(bytes[..<sign]))
      if let fault = Self.fault(inName: name) { throw Problem("\(option) \(name)", fault) }
      guard object[name] == nil else {
        throw Problem("\(option) \(name)", "found twice, expected once; remove one of them")
      }
      let value = String(Substring(bytes[bytes.index(after: sign)...]))
      do {
        object[name] = try JSONParser.parse(value)
      } catch {
        throw Problem(
          "\(option) \(name)",
          "found \(value), which is no JSON (\(error.message)), expected a value such as false, 2 or"
            + " '\"high\"'")
      }
    }
    self.init(object)
  }

  package static func == (a: TemplateVariables, b: TemplateVariables) -> Bool { a.json == b.json }

  /// What is wrong with a variable's name, as a sentence without its place; nil where nothing is.
  package static func fault(inName name: String) -> String? {
    let isOwn = setByRendering.contains { $0.utf8.elementsEqual(name.utf8) }
    if isOwn || name.utf8.suffix(6).elementsEqual("_token".utf8) {
      return "found a variable that every rendering sets itself, expected one of the template's "
        + "own, such as enable_thinking; remove it"
    }
    func isLetter(_ byte: UInt8) -> Bool {
      byte >= 0x80 || byte == UInt8(ascii: "_") || (0x61...0x7A).contains(byte | 0x20)
    }
    let isName =
      name.utf8.first.map(isLetter) == true
      && name.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) }
    return isName ? nil : "found a name that no variable can have, expected letters, digits and _"
  }

  /// What transformers passes to a template whatever a caller says, and the functions it defines.
  private static let setByRendering = [
    "messages", "tools", "documents", "add_generation_prompt", "raise_exception", "strftime_now",
  ]
}
