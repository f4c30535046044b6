package import Formats
import Rows

extension Dictionary: RecipeValue where Key == String, Value == String {
  package static func expectation(_ bounds: String?) -> String {
    "an object of names such as {\"instruction\": \"question\"}"
  }

  package static var schema: JSONObject {
    JSONObject([("type", "object"), ("additionalProperties", ["type": "string"])])
  }

  package static func read(
    _ json: JSON, at place: String, expecting expectation: String, problems: inout [String]
  ) -> [String: String]? {
    guard let object = json.object else {
      problems.append("\(place): found \(json.kindName), expected \(expectation)")
      return nil
    }
    var names: [String: String] = [:]
    for (key, value) in object.members {
      guard let name = value.string, !name.isEmpty else {
        let found = value.string == nil ? value.kindName : "an empty name"
        problems.append("\(place).\(shown(key)): found \(found), expected a name")
        continue
      }
      if names.updateValue(name, forKey: key) != nil {
        problems.append("\(place).\(shown(key)): found twice, expected once; remove one of them")
      }
    }
    return names
  }

  package var json: JSON {
    .object(JSONObject(sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
  }
}

extension DataSource {
  /// What is wrong with the mapping, as sentences.
  func faults(at place: String) -> [String] {
    var faults: [String] = []
    let chats: [RowFormat] = [.sharegpt, .messages]
    if prompt != nil, (chats + [.tokens]).contains(format) {
      faults.append(
        "\(place).prompt: found a text beside the format \"\(format.rawValue)\", whose rows have no question to"
          + " make; remove it")
    }
    if !roles.isEmpty, [.alpaca, .text, .tokens].contains(format) {
      faults.append(
        "\(place).roles: found names beside the format \"\(format.rawValue)\", whose rows have no roles; remove"
          + " them")
    }
    return faults + fieldFaults(at: place)
  }

  private func fieldFaults(at place: String) -> [String] {
    fields.keys.sorted().filter { !RowMapping.names.contains($0) }.map { name in
      let near = nearest(to: name, among: RowMapping.names)
      return "\(place).fields.\(shown(name)): found a field that no format has, expected one of "
        + RowMapping.names.joined(separator: ", ")
        + (near.map { "; did you mean \"\($0)\"?" } ?? "")
    }
  }
}
