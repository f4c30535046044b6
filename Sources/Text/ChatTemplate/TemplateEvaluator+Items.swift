import Formats

/// Attributes, items, slices and walking: what reaches inside a value.
extension TemplateEvaluator {
  /// `owner.name`: a method or attribute, else the item with this key.
  func attribute(
    _ name: String, of owner: TemplateValue, _ position: TemplatePosition
  ) throws(Problem) -> TemplateValue {
    self.position = position
    try checkDefined(owner)
    if let value = try member(name, of: owner) { return value }
    if case .dictionary(let dictionary) = owner, let value = dictionary[.string(name)] {
      return value
    }
    return .undefined(.attribute(name, ofType: owner.typeName))
  }

  /// `owner[key]`: the item, else the attribute with this name.
  func item(
    _ key: TemplateValue, of owner: TemplateValue, _ position: TemplatePosition
  ) throws(Problem) -> TemplateValue {
    self.position = position
    try checkDefined(owner)
    let key = key.plain
    if owner.isMarkup, let value = item(key, of: owner.plain) { return value.marked }
    if let value = item(key, of: owner) { return value }
    if case .string(let name) = key, let value = try member(name, of: owner) { return value }
    return .undefined(.attribute(PythonText.text(key), ofType: owner.typeName))
  }

  func item(_ key: TemplateValue, of owner: TemplateValue) -> TemplateValue? {
    switch owner {
    case .dictionary(let dictionary): return dictionary[key]
    case .sequence(let sequence):
      guard sequence.isIndexable, let index = key.asInteger else { return nil }
      let place = index < 0 ? index + sequence.elements.count : index
      return sequence.elements.indices.contains(place) ? sequence.elements[place] : nil
    case .string(let text):
      guard let index = key.asInteger else { return nil }
      let scalars = text.unicodeScalars
      let distance = index < 0 ? index + scalars.count : index
      guard distance >= 0,
        let place = scalars.index(
          scalars.startIndex, offsetBy: distance, limitedBy: scalars.endIndex),
        place < scalars.endIndex
      else { return nil }
      return .string(String(scalars[place]))
    default: return nil
    }
  }

  /// What a value has besides its items: methods of text, lists and dicts, parts of `loop`.
  private func member(_ name: String, of owner: TemplateValue) throws(Problem) -> TemplateValue? {
    switch owner {
    case .namespace(let namespace): return namespace.attributes[name]
    case .markup(let text): return TemplateMarkup.method(name, of: text).map { .callable($0) }
    case .loop(let loop):
      if name == "cycle" || name == "changed" { return .callable(TemplateMethods.of(loop, name)) }
      return loop.attribute(name)
    case .string, .sequence, .dictionary:
      if TemplateMethods.changes(owner, name) {
        throw fault("a template must not change a \(owner.typeName), as \"\(name)\" does")
      }
      return TemplateMethods.of(owner, name).map { .callable($0) }
    default: return nil
    }
  }

  /// The elements that a `for` over this value would see.
  func elements(of value: TemplateValue) throws(Problem) -> [TemplateValue] {
    switch value {
    case .undefined: return []
    case .string(let text), .markup(let text):
      return text.unicodeScalars.map { .string(String($0)) }
    case .sequence(let sequence): return sequence.elements
    case .dictionary(let dictionary): return dictionary.members.map(\.key)
    case .iterator(let iterator): return iterator.rest()
    default: throw fault("a \(value.typeName) cannot be walked")
    }
  }

  // MARK: Slices

  func slice(
    _ owner: TemplateValue, _ slice: TemplateSlice, _ position: TemplatePosition
  ) throws(Problem) -> TemplateValue {
    let start = try bound(slice.start)
    let stop = try bound(slice.stop)
    let step = try bound(slice.step) ?? 1
    self.position = position
    guard step != 0 else { throw fault("the step of a slice must not be 0") }
    try checkDefined(owner)
    switch owner {
    case .string(let text), .markup(let text):
      let scalars = Array(text.unicodeScalars)
      let (first, end, step) = Self.bounds(count: scalars.count, start, stop, step)
      let places = stride(from: first, to: end, by: step)
      let part = TemplateValue.string(PythonString.string(places.map { scalars[$0] }))
      return owner.isMarkup ? part.marked : part
    case .sequence(let sequence) where sequence.isIndexable:
      let (first, end, step) = Self.bounds(count: sequence.elements.count, start, stop, step)
      let places = stride(from: first, to: end, by: step)
      var kind = sequence.kind
      if case .range(let start, _, let width) = kind {
        kind = .range(
          start: start &+ first &* width, stop: start &+ end &* width, step: width &* step)
      }
      return .sequence(TemplateSequence(kind, places.map { sequence.elements[$0] }))
    default: throw fault("a \(owner.typeName) cannot be sliced")
    }
  }

  private func bound(_ expression: TemplateExpression?) throws(Problem) -> Int? {
    guard let expression else { return nil }
    let value = try evaluate(expression)
    if case .none = value { return nil }
    try checkDefined(value)
    guard let bound = value.asInteger else {
      throw fault("a slice needs whole numbers, not a \(value.typeName)")
    }
    return bound
  }

  /// Python's rules: negative bounds count from the end, everything is clamped to the sequence.
  private static func bounds(
    count: Int, _ start: Int?, _ stop: Int?, _ step: Int
  ) -> (first: Int, end: Int, step: Int) {
    func clamped(_ bound: Int) -> Int {
      let fromStart = bound < 0 ? max(bound, -count - 1) + count : bound
      return step > 0 ? min(max(fromStart, 0), count) : min(max(fromStart, -1), count - 1)
    }
    let first = start.map(clamped) ?? (step > 0 ? 0 : count - 1)
    let end = stop.map(clamped) ?? (step > 0 ? count : -1)
    // A step beyond every sequence sees one element just the same, and adds without overflow.
    return (first, end, max(min(step, Int(Int32.max)), -Int(Int32.max)))
  }
}
