#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif
import Formats

/// Python's operators on numbers, text and lists.
extension TemplateEvaluator {
  func negate(_ value: TemplateValue, _ position: TemplatePosition) throws(Problem) -> TemplateValue
  {
    self.position = position
    try checkDefined(value)
    if let integer = value.asInteger {
      return .integer(try exact(0.subtractingReportingOverflow(integer)))
    }
    guard let number = value.asDouble else { throw fault("a \(value.typeName) has no negative") }
    return .float(-number)
  }

  func plus(_ value: TemplateValue, _ position: TemplatePosition) throws(Problem) -> TemplateValue {
    self.position = position
    try checkDefined(value)
    if let integer = value.asInteger { return .integer(integer) }
    guard value.asDouble != nil else { throw fault("+ needs a number, not a \(value.typeName)") }
    return value
  }

  func arithmetic(
    _ operation: TemplateOperator, _ left: TemplateValue, _ right: TemplateValue,
    _ position: TemplatePosition
  ) throws(Problem) -> TemplateValue {
    self.position = position
    if left.isMarkup || right.isMarkup {
      return try TemplateMarkup.arithmetic(operation, left, right, self)
    }
    if operation == .remainder, case .string(let format) = left {
      return .string(try self.format(format, right))
    }
    try checkDefined(left)
    try checkDefined(right)
    switch (operation, left, right) {
    case (.add, .string(let a), .string(let b)):
      guard a.utf8.count + b.utf8.count <= limits.textBytes else { throw tooLong() }
      return .string(a + b)
    case (.add, .sequence(let a), .sequence(let b))
    where a.kind == b.kind && (a.kind == .list || a.kind == .tuple):
      try spend(a.elements.count + b.elements.count)
      return .sequence(TemplateSequence(a.kind, try bounded(a.elements + b.elements)))
    case (.multiply, .string, _), (.multiply, .sequence, _):
      if let count = right.asInteger { return try repeated(left, count) }
    case (.multiply, _, .string), (.multiply, _, .sequence):
      if let count = left.asInteger { return try repeated(right, count) }
    default: break
    }
    if let a = left.asInteger, let b = right.asInteger { return try arithmetic(operation, a, b) }
    guard let a = left.asDouble, let b = right.asDouble else {
      throw fault(
        "\(operation.rawValue) does not work on a \(left.typeName) and a \(right.typeName)")
    }
    return .float(try arithmetic(operation, a, b))
  }

  private func bounded(_ elements: [TemplateValue]) throws(Problem) -> [TemplateValue] {
    guard elements.count <= limits.elements else {
      throw fault("the template makes a list of more than \(limits.elements) elements")
    }
    return elements
  }

  private func repeated(_ value: TemplateValue, _ count: Int) throws(Problem) -> TemplateValue {
    let count = max(0, count)
    switch value {
    case .string(let text):
      guard text.isEmpty || count <= limits.textBytes / text.utf8.count else { throw tooLong() }
      return .string(text.isEmpty ? "" : String(repeating: text, count: count))
    case .sequence(let sequence) where sequence.kind == .list || sequence.kind == .tuple:
      let elements = sequence.elements
      guard elements.isEmpty || count <= limits.elements / elements.count else {
        throw fault("the template makes a list of more than \(limits.elements) elements")
      }
      try spend(elements.count * count)
      let result = elements.isEmpty ? [] : (0..<count).flatMap { _ in elements }
      return .sequence(TemplateSequence(sequence.kind, result))
    default: throw fault("a \(value.typeName) cannot be repeated")
    }
  }

  func exact(_ result: (partialValue: Int, overflow: Bool)) throws(Problem) -> Int {
    guard !result.overflow else { throw fault("a number leaves the 64-bit range") }
    return result.partialValue
  }

  private func arithmetic(_ operation: TemplateOperator, _ a: Int, _ b: Int) throws(Problem)
    -> TemplateValue
  {
    switch operation {
    case .add: return .integer(try exact(a.addingReportingOverflow(b)))
    case .subtract: return .integer(try exact(a.subtractingReportingOverflow(b)))
    case .multiply: return .integer(try exact(a.multipliedReportingOverflow(by: b)))
    case .divide:
      try checkDivisor(b == 0)
      return .float(Double(a) / Double(b))
    case .floorDivide:
      try checkDivisor(b == 0)
      let quotient = try exact(a.dividedReportingOverflow(by: b))
      // Python rounds down, Swift towards zero.
      return .integer(a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient)
    case .remainder:
      try checkDivisor(b == 0)
      if b == -1 { return .integer(0) }
      let remainder = a % b
      return .integer(remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder)
    case .power:
      guard b >= 0 else { return .float(try arithmetic(.power, Double(a), Double(b))) }
      return .integer(try power(a, b))
    }
  }

  private func power(_ base: Int, _ exponent: Int) throws(Problem) -> Int {
    if base == 0 || base == 1 { return exponent == 0 ? 1 : base }
    if base == -1 { return exponent % 2 == 0 ? 1 : -1 }
    var result = 1
    // Any other base leaves the range after 63 factors at the latest.
    for _ in 0..<min(exponent, 64) {
      result = try exact(result.multipliedReportingOverflow(by: base))
    }
    return result
  }

  private func arithmetic(
    _ operation: TemplateOperator, _ a: Double, _ b: Double
  ) throws(Problem) -> Double {
    switch operation {
    case .add: return a + b
    case .subtract: return a - b
    case .multiply: return a * b
    case .divide:
      try checkDivisor(b == 0)
      return a / b
    case .floorDivide:
      try checkDivisor(b == 0)
      return (a / b).rounded(.down)
    case .remainder:
      try checkDivisor(b == 0)
      let remainder = a.truncatingRemainder(dividingBy: b)
      return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder
    case .power:
      try checkDivisor(a == 0 && b < 0)
      return pow(a, b)
    }
  }

  private func checkDivisor(_ isZero: Bool) throws(Problem) {
    if isZero { throw fault("division by zero") }
  }

  // MARK: Formatting

  /// `format % values` with `%s`, `%d` and `%%`.
  func format(_ format: String, _ values: TemplateValue) throws(Problem) -> String {
    var rest: ArraySlice<TemplateValue> = [values]
    if case .sequence(let sequence) = values, sequence.kind == .tuple {
      rest = sequence.elements[...]
    }
    var out = String.UnicodeScalarView()
    var scalars = format.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      guard scalar == "%" else {
        out.append(scalar)
        continue
      }
      switch scalars.next() {
      case "%": out.append("%")
      case "s":
        let value = try nextValue(&rest)
        out.append(contentsOf: PythonText.text(value).unicodeScalars)
      case "d", "i":
        let value = try nextValue(&rest)
        guard let number = value.asDouble, number.magnitude < 9e18 else {
          throw fault("%d needs a number, not a \(value.typeName)")
        }
        out.append(contentsOf: String(value.asInteger ?? Int(number)).unicodeScalars)
      case let letter:
        throw fault("the format %\(letter.map(String.init) ?? "") is not supported, only %s and %d")
      }
    }
    guard rest.isEmpty || Self.mayGoUnused(values) else {
      throw fault("more values than the format uses")
    }
    return String(out)
  }

  /// Python takes whatever has keys or indices, text and tuples aside, for a possible mapping.
  private static func mayGoUnused(_ values: TemplateValue) -> Bool {
    switch values {
    case .dictionary, .undefined: true
    case .sequence(let sequence): sequence.kind == .list
    default: false
    }
  }

  private func nextValue(_ rest: inout ArraySlice<TemplateValue>) throws(Problem) -> TemplateValue {
    guard let value = rest.popFirst() else { throw fault("fewer values than the format needs") }
    return value
  }
}

extension TemplateValue {
  var isMapping: Bool { if case .dictionary = self { true } else { false } }
}
