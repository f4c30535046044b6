import Formats

extension TemplateFilters {
  static let listFilters: [String: Filter] = [
    "length": length,
    "count": length,
    "first": first,
    "last": last,
    "list": list,
    "join": join,
    "reverse": reverse,
    "sort": sort,
    "unique": unique,
    "sum": sum,
    "min": extreme("min") { $0 < 0 },
    "max": extreme("max") { $0 > 0 },
    "batch": batch,
    "items": items,
    "dictsort": sortDictionary,
    "groupby": group,
    "map": map,
    "select": select(keeping: true, byAttribute: false),
    "reject": select(keeping: false, byAttribute: false),
    "selectattr": select(keeping: true, byAttribute: true),
    "rejectattr": select(keeping: false, byAttribute: true),
  ]

  private static func plainElements(
    _ evaluator: TemplateEvaluator, _ value: TemplateValue, _ arguments: TemplateArguments,
    _ name: String
  ) throws(Problem) -> [TemplateValue] {
    _ = try arguments.bound(to: [], of: name, in: evaluator)
    return try walked(evaluator, value)
  }

  private static func walked(
    _ evaluator: TemplateEvaluator, _ value: TemplateValue
  ) throws(Problem) -> [TemplateValue] {
    let elements = try evaluator.elements(of: value)
    try evaluator.spend(elements.count)
    return elements
  }

  // MARK: Parts of a list

  private static let list: Filter = { evaluator, value, arguments throws(Problem) in
    .list(try plainElements(evaluator, value, arguments, "list"))
  }

  private static let length: Filter = { evaluator, value, arguments throws(Problem) in
    _ = try arguments.bound(to: [], of: "length", in: evaluator)
    switch value {
    case .undefined: return .integer(0)
    case .string(let text): return .integer(text.unicodeScalars.count)
    case .sequence(let sequence): return .integer(sequence.elements.count)
    case .dictionary(let dictionary): return .integer(dictionary.count)
    default: throw evaluator.fault("a \(value.typeName) has no length")
    }
  }

  private static let first: Filter = { evaluator, value, arguments throws(Problem) in
    if case .iterator(let iterator) = value, arguments.positional.isEmpty {
      return iterator.next() ?? .undefined(.because("there is no first item"))
    }
    return try plainElements(evaluator, value, arguments, "first").first
      ?? .undefined(.because("there is no first item"))
  }

  private static let last: Filter = { evaluator, value, arguments throws(Problem) in
    if case .iterator = value {
      throw evaluator.fault("last needs a list; add \"| list\" before it")
    }
    return try plainElements(evaluator, value, arguments, "last").last
      ?? .undefined(.because("there is no last item"))
  }

  private static let join: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(to: ["d", "attribute"], of: "join", in: evaluator)
    var parts: [String] = []
    for element in try walked(evaluator, value) {
      parts.append(PythonText.text(try evaluator.value(at: bound[1] ?? .none, in: element)))
    }
    return try evaluator.joined(parts, by: PythonText.text(bound[0] ?? .string("")))
  }

  private static let reverse: Filter = { evaluator, value, arguments throws(Problem) in
    let elements = try plainElements(evaluator, value, arguments, "reverse")
    if case .string(let text) = value {
      return .string(PythonString.string(text.unicodeScalars.reversed()))
    }
    return .iterator(TemplateIterator(elements.reversed()))
  }

  private static let batch: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(
      to: ["linecount", "fill_with"], required: 1, of: "batch", in: evaluator)
    let size = try evaluator.integer(bound[0], for: "batch") ?? 0
    guard (1...100_000).contains(size) else { throw evaluator.fault("batch: \(size) per line") }
    let elements = try walked(evaluator, value)
    var lines: [TemplateValue] = []
    for start in stride(from: 0, to: elements.count, by: size) {
      var line = Array(elements[start..<min(start + size, elements.count)])
      if let filler = bound[1] {
        if case .none = filler {
        } else {
          line += Array(repeating: filler, count: size - line.count)
        }
      }
      lines.append(.list(line))
    }
    return .iterator(TemplateIterator(lines))
  }

  // MARK: Dictionaries

  private static let items: Filter = { evaluator, value, arguments throws(Problem) in
    _ = try arguments.bound(to: [], of: "items", in: evaluator)
    switch value {
    case .undefined: return .iterator(TemplateIterator([]))
    case .dictionary(let dictionary):
      try evaluator.spend(dictionary.count)
      return .iterator(
        TemplateIterator(dictionary.members.map { .tuple([$0.key, $0.value]) }))
    default: throw evaluator.fault("items needs a dict, not a \(value.typeName)")
    }
  }

  private static let sortDictionary: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(
      to: ["case_sensitive", "by", "reverse"], of: "dictsort", in: evaluator)
    guard case .dictionary(let dictionary) = value else {
      throw evaluator.fault("dictsort needs a dict, not a \(value.typeName)")
    }
    let by = try evaluator.text(bound[1], for: "dictsort") ?? "key"
    guard by == "key" || by == "value" else {
      throw evaluator.fault("dictsort sorts by \"key\" or \"value\"")
    }
    let ignoresCase = !(bound[0]?.isTrue ?? false)
    let keyed = dictionary.members.map { member in
      let key = by == "key" ? member.key : member.value
      return Keyed(
        key: [ignoresCase ? lowercased(key) : key], value: .tuple([member.key, member.value]))
    }
    return .list(try sorted(evaluator, keyed, descending: bound[2]?.isTrue ?? false))
  }

  // MARK: Order

  /// A value and what it is ordered by.
  private struct Keyed {
    let key: [TemplateValue]
    let value: TemplateValue
  }

  private static func lowercased(_ value: TemplateValue) -> TemplateValue {
    if case .string(let text) = value { .string(text.lowercased()) } else { value }
  }

  private static func keyed(
    _ evaluator: TemplateEvaluator, _ value: TemplateValue, attribute: TemplateValue?,
    caseSensitive: Bool
  ) throws(Problem) -> [Keyed] {
    var paths: [TemplateValue] = [attribute ?? .none]
    if case .string(let text) = attribute {
      paths = PythonString.split(text, by: ",").map { .string($0) }
    }
    var result: [Keyed] = []
    for element in try walked(evaluator, value) {
      var key: [TemplateValue] = []
      for path in paths {
        let part = try evaluator.value(at: path, in: element)
        key.append(caseSensitive ? part : lowercased(part))
      }
      result.append(Keyed(key: key, value: element))
    }
    return result
  }

  /// A stable merge sort, because comparing can fail and equal elements keep their order.
  private static func sorted(
    _ evaluator: TemplateEvaluator, _ elements: [Keyed], descending: Bool
  ) throws(Problem) -> [TemplateValue] {
    try evaluator.spend(elements.count * 20)
    // Python keeps the order of equal elements also when it sorts in reverse.
    func precedes(_ a: Keyed, _ b: Keyed) throws(Problem) -> Bool {
      let (low, high) = descending ? (b, a) : (a, b)
      for (x, y) in zip(low.key, high.key) where !x.equals(y) {
        return try evaluator.compare(x, .less, y)
      }
      return false
    }
    func sort(_ slice: ArraySlice<Keyed>) throws(Problem) -> [Keyed] {
      guard slice.count > 1 else { return Array(slice) }
      let middle = slice.startIndex + slice.count / 2
      let left = try sort(slice[..<middle])
      let right = try sort(slice[middle...])
      var result: [Keyed] = []
      var (i, j) = (0, 0)
      while i < left.count, j < right.count {
        if try precedes(right[j], left[i]) {
          result.append(right[j])
          j += 1
        } else {
          result.append(left[i])
          i += 1
        }
      }
      return result + left[i...] + right[j...]
    }
    return try sort(elements[...]).map(\.value)
  }

  private static let sort: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(
      to: ["reverse", "case_sensitive", "attribute"], of: "sort", in: evaluator)
    let elements = try keyed(
      evaluator, value, attribute: bound[2], caseSensitive: bound[1]?.isTrue ?? false)
    return .list(try sorted(evaluator, elements, descending: bound[0]?.isTrue ?? false))
  }

  private static let unique: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(
      to: ["case_sensitive", "attribute"], of: "unique", in: evaluator)
    var kept: [Keyed] = []
    let elements = try keyed(
      evaluator, value, attribute: bound[1], caseSensitive: bound[0]?.isTrue ?? false)
    for element in elements {
      try evaluator.spend(kept.count)
      let key = TemplateValue.tuple(element.key)
      if !kept.contains(where: { TemplateValue.tuple($0.key).equals(key) }) { kept.append(element) }
    }
    return .iterator(TemplateIterator(kept.map(\.value)))
  }

  private static let group: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(
      to: ["attribute", "default", "case_sensitive"], required: 1, of: "groupby", in: evaluator)
    let path = bound[0] ?? .none
    let caseSensitive = bound[2]?.isTrue ?? false
    var elements: [Keyed] = []
    for element in try walked(evaluator, value) {
      let part = try evaluator.value(at: path, in: element, default: bound[1])
      elements.append(
        Keyed(key: [caseSensitive ? part : lowercased(part)], value: .tuple([part, element])))
    }
    var groups: [(key: TemplateValue, name: TemplateValue, members: [TemplateValue])] = []
    for pair in try sorted(evaluator, elements, descending: false) {
      guard case .sequence(let parts) = pair else { continue }
      let key = caseSensitive ? parts.elements[0] : lowercased(parts.elements[0])
      if let last = groups.last, last.key.equals(key) {
        groups[groups.count - 1].members.append(parts.elements[1])
      } else {
        groups.append((key, parts.elements[0], [parts.elements[1]]))
      }
    }
    return .list(groups.map { .tuple([$0.name, .list($0.members)]) })
  }

  private static func extreme(
    _ name: String, _ wins: @escaping @Sendable (Int) -> Bool
  ) -> Filter {
    { evaluator, value, arguments throws(Problem) in
      let bound = try arguments.bound(to: ["case_sensitive", "attribute"], of: name, in: evaluator)
      let elements = try keyed(
        evaluator, value, attribute: bound[1], caseSensitive: bound[0]?.isTrue ?? false)
      guard var best = elements.first else { return .undefined(.because("\(name) of nothing")) }
      for element in elements.dropFirst() {
        let key = TemplateValue.tuple(element.key)
        guard let order = key.order(to: .tuple(best.key)) else {
          throw evaluator.fault("\(name) cannot compare the elements with each other")
        }
        if wins(order) { best = element }
      }
      return best.value
    }
  }

  private static let sum: Filter = { evaluator, value, arguments throws(Problem) in
    let bound = try arguments.bound(to: ["attribute", "start"], of: "sum", in: evaluator)
    var total = bound[1] ?? .integer(0)
    for element in try walked(evaluator, value) {
      let part = try evaluator.value(at: bound[0] ?? .none, in: element)
      total = try evaluator.arithmetic(.add, total, part, evaluator.position)
    }
    return total
  }

  // MARK: Every element

  /// As in Jinja, `map` and `select` see nothing in what is false, such as none, and do not refuse it.
  private static func elements(
    _ evaluator: TemplateEvaluator, _ value: TemplateValue
  ) throws(Problem) -> [TemplateValue] {
    value.isTrue ? try walked(evaluator, value) : []
  }

  /// `map("filter", …)` or `map(attribute="a.b", default=…)`.
  private static let map: Filter = { evaluator, value, arguments throws(Problem) in
    var result: [TemplateValue] = []
    if arguments.positional.isEmpty {
      let bound = try arguments.bound(to: ["attribute", "default"], of: "map", in: evaluator)
      guard let path = bound[0] else { throw evaluator.fault("map needs a filter or an attribute") }
      for element in try elements(evaluator, value) {
        result.append(try evaluator.value(at: path, in: element, default: bound[1]))
      }
    } else {
      var inner = arguments
      let name = PythonText.text(inner.positional.removeFirst())
      for element in try elements(evaluator, value) {
        result.append(try evaluator.apply(filter: name, to: element, inner))
      }
    }
    return .iterator(TemplateIterator(result))
  }

  private static func select(keeping: Bool, byAttribute: Bool) -> Filter {
    { evaluator, value, arguments throws(Problem) in
      var inner = arguments
      guard !byAttribute || !inner.positional.isEmpty else {
        throw evaluator.fault("selectattr and rejectattr need an attribute")
      }
      let path = byAttribute ? inner.positional.removeFirst() : .none
      let test = inner.positional.isEmpty ? nil : PythonText.text(inner.positional.removeFirst())
      var result: [TemplateValue] = []
      for element in try elements(evaluator, value) {
        let tested = try evaluator.value(at: path, in: element)
        let passes =
          if let test { try evaluator.test(test, tested, inner) } else { tested.isTrue }
        if passes == keeping { result.append(element) }
      }
      return .iterator(TemplateIterator(result))
    }
  }
}

extension TemplateEvaluator {
  /// What a path such as "function.name" or 0 leads to; the element itself for none.
  func value(
    at path: TemplateValue, in element: TemplateValue, default fallback: TemplateValue? = nil
  ) throws(Problem) -> TemplateValue {
    var parts = [path]
    switch path {
    case .none: return element
    case .string(let text):
      parts = PythonString.split(text, by: ".").map { part in
        Int(part).map(TemplateValue.integer) ?? .string(part)
      }
    default: break
    }
    var value = element
    for part in parts {
      value = try item(part, of: value, position)
      if let fallback, value.isUndefined { value = fallback }
    }
    return value
  }
}
