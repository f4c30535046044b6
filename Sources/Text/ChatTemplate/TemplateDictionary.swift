/// Python's dict: keys in the order of insertion, where 1, 1.0 and true are one key.
struct TemplateDictionary: Sendable {
  /// Smaller ones, such as messages, are quicker to walk than to index.
  private static let indexedFrom = 16

  private(set) var members: [(key: TemplateValue, value: TemplateValue)] = []
  private(set) var depth = 1
  private(set) var weight = 2
  /// Positions in `members`; empty while they are few.
  private var places: [Key: Int] = [:]

  var count: Int { members.count }

  subscript(key: TemplateValue) -> TemplateValue? {
    get { place(of: key).map { members[$0].value } }
    set {
      guard let newValue else { return }
      depth = max(depth, 1 + max(newValue.depth, key.depth))
      weight = weight.addingSaturated(key.weight).addingSaturated(newValue.weight)
      if let place = place(of: key) {
        members[place].value = newValue
      } else {
        append(key, newValue)
      }
    }
  }

  private func place(of key: TemplateValue) -> Int? {
    guard places.isEmpty else { return places[Key(value: key)] }
    return members.firstIndex { $0.key.equals(key) }
  }

  private mutating func append(_ key: TemplateValue, _ value: TemplateValue) {
    members.append((key, value))
    if !places.isEmpty {
      places[Key(value: key)] = members.count - 1
    } else if members.count == Self.indexedFrom {
      for (place, member) in members.enumerated() { places[Key(value: member.key)] = place }
    }
  }

  /// A value under Python's equality.
  private struct Key: Hashable {
    let value: TemplateValue

    static func == (a: Key, b: Key) -> Bool { a.value.equals(b.value) }

    func hash(into hasher: inout Hasher) {
      switch value {
      case .string(let text), .markup(let text): for byte in text.utf8 { hasher.combine(byte) }
      case .sequence(let sequence): hasher.combine(sequence.elements.count)
      default: hasher.combine(value.asDouble)
      }
    }
  }
}
