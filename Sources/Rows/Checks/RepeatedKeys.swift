import Formats

/// Objects with a key twice: every reader of JSON keeps one value and says nothing.
struct RepeatedKeys: RowCheck {
  func findings(in row: CheckedRow) -> [RowFinding] {
    guard let key = Self.first(in: row.outcome.json) else { return [] }
    return [row.finding(.repeatedKey, "the key \"\(key)\" stands twice in one object")]
  }

  private static func first(in json: JSON) -> String? {
    switch json {
    case .array(let elements):
      for element in elements {
        if let key = first(in: element) { return key }
      }
    case .object(let object):
      let members = object.members
      // Objects of rows are small.
      for (index, member) in members.enumerated() {
        let isRepeated =
          members.count <= 256
          && members[..<index].contains { $0.key.utf8.elementsEqual(member.key.utf8) }
        if isRepeated { return member.key }
        if let key = first(in: member.value) { return key }
      }
    default: break
    }
    return nil
  }
}
