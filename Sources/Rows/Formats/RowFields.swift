import Formats

/// The members of a row, and which of them were read.
struct RowFields {
  let object: JSONObject
  private var used: [String] = []

  init(_ object: JSONObject) { self.object = object }

  /// The value of a member; a null counts as absent.
  mutating func value(_ name: String) -> JSON? {
    guard let value = object[name] else { return nil }
    used.append(name)
    return value.isNull ? nil : value
  }

  /// The member under the first of `names` that the row has; a null counts as absent.
  ///
  /// The first name is the format's own and wins. Several others at once would leave the choice to us.
  mutating func value(
    of names: [String]
  ) throws(RowFault) -> (name: String, value: JSON)? {
    let present = names.filter { name in object[name].map { !$0.isNull } ?? false }
    guard let name = present.first else {
      used += names
      return nil
    }
    guard present.count == 1 || name == names[0] else {
      let list = present.map { "\"\($0)\"" }.joined(separator: " and ")
      throw RowFault("found \(list), expected only one of them")
    }
    return value(name).map { (name, $0) }
  }

  /// The same, which must be a text.
  mutating func text(_ names: [String]) throws(RowFault) -> String? {
    guard let (name, value) = try value(of: names) else { return nil }
    guard let text = value.string else {
      throw RowFault(.wrongType, "\"\(name)\" is \(value.kindName), expected a string")
    }
    return text
  }

  /// Members that say something and that nothing has read.
  var unused: [String] {
    var names: [String] = []
    for (key, value) in object.members where !used.contains(key) && !names.contains(key) {
      if value.isNull || value.string?.isEmpty == true || value.array?.isEmpty == true { continue }
      names.append(key)
    }
    return names
  }

  /// `weight` of the whole row: how much it counts in the loss.
  mutating func weight() throws(RowFault) -> Float {
    try Self.weight(value("weight")) ?? 1
  }

  static func weight(_ value: JSON?) throws(RowFault) -> Float? {
    guard let value else { return nil }
    guard let number = value.number, number >= 0, number <= 1e6 else {
      let found = value.number == nil ? value.kindName : value.text()
      throw RowFault(.wrongType, "\"weight\" is \(found), expected a number from 0 to a million")
    }
    return Float(number)
  }
}

extension String {
  /// Whether nothing but white space is in it.
  var isSpace: Bool { unicodeScalars.allSatisfy(\.properties.isWhitespace) }
}
