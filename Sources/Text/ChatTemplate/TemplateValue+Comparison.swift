/// Python's `==` and `<` on template values.
extension TemplateValue {
  func equals(_ other: TemplateValue) -> Bool {
    switch (self, other) {
    case (.undefined, .undefined), (.none, .none): true
    case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
    case (.markup, _), (_, .markup): plain.equals(other.plain)
    case (.sequence(let a), .sequence(let b)):
      Self.areComparable(a.kind, b.kind) && a.elements.count == b.elements.count
        && zip(a.elements, b.elements).allSatisfy { $0.equals($1) }
    case (.dictionary(let a), .dictionary(let b)):
      a.count == b.count
        && a.members.allSatisfy { member in b[member.key]?.equals(member.value) ?? false }
    case (.iterator(let a), .iterator(let b)): a === b
    case (.namespace(let a), .namespace(let b)): a === b
    case (.loop(let a), .loop(let b)): a === b
    case (.callable(let a), .callable(let b)): a === b
    default: Self.numbersAreEqual(self, other)
    }
  }

  /// -1, 0 or 1; nil where Python has no order (text and numbers, dictionaries, none).
  func order(to other: TemplateValue) -> Int? {
    switch (self, other) {
    case (.string(let a), .string(let b)):
      // UTF-8 keeps the order of code points.
      if a.utf8.elementsEqual(b.utf8) { return 0 }
      return a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
    case (.markup, _), (_, .markup): return plain.order(to: other.plain)
    case (.sequence(let a), .sequence(let b)):
      guard a.kind == b.kind, a.kind == .list || a.kind == .tuple else { return nil }
      for (x, y) in zip(a.elements, b.elements) where !x.equals(y) { return x.order(to: y) }
      return (a.elements.count - b.elements.count).signum()
    default:
      if let a = asInteger, let b = other.asInteger { return a < b ? -1 : a > b ? 1 : 0 }
      guard let a = asDouble, let b = other.asDouble, !a.isNaN, !b.isNaN else { return nil }
      return a < b ? -1 : a > b ? 1 : 0
    }
  }

  private static func numbersAreEqual(_ a: TemplateValue, _ b: TemplateValue) -> Bool {
    if let x = a.asInteger, let y = b.asInteger { return x == y }
    guard let x = a.asDouble, let y = b.asDouble else { return false }
    return x == y
  }

  private static func areComparable(_ a: TemplateSequence.Kind, _ b: TemplateSequence.Kind) -> Bool
  {
    switch (a, b) {
    case (.range, .range): true
    default: a == b
    }
  }
}
