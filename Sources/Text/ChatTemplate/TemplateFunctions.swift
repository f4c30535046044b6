#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif
import Formats

/// Functions that every chat template can call.
enum TemplateFunctions {
  /// The longest range that the sandbox of Jinja allows.
  private static let maximumRange = 100_000

  static let globals: [String: TemplateValue] = [
    "range": function("range", range),
    "dict": function("dict", keepsMarkup: true) { evaluator, arguments throws(Problem) in
      .dictionary(try dictionary(evaluator, arguments))
    },
    "namespace": function("namespace", keepsMarkup: true, namespace),
    "raise_exception": function("raise_exception", refuse),
    "strftime_now": function("strftime_now", date),
  ]

  private static func function(
    _ name: String, keepsMarkup: Bool = false, _ body: @escaping TemplateCallable.Body
  ) -> TemplateValue { .callable(TemplateCallable(name, keepsMarkup: keepsMarkup, body)) }

  private static let range: TemplateCallable.Body = { evaluator, arguments throws(Problem) in
    let bound = try arguments.bound(
      to: ["start", "stop", "step"], required: 1, of: "range", in: evaluator)
    var numbers: [Int] = []
    for value in bound {
      if let number = try evaluator.integer(value, for: "range") { numbers.append(number) }
    }
    guard let first = numbers.first else { throw evaluator.fault("range needs whole numbers") }
    let (start, stop) = numbers.count > 1 ? (first, numbers[1]) : (0, first)
    let step = numbers.count > 2 ? numbers[2] : 1
    guard step != 0 else { throw evaluator.fault("the step of a range must not be 0") }
    let length = (Double(stop) - Double(start)) / Double(step)
    guard length <= Double(maximumRange) else {
      throw evaluator.fault("a range has at most \(maximumRange) numbers")
    }
    let elements = Array(stride(from: start, to: stop, by: step)).map(TemplateValue.integer)
    try evaluator.spend(elements.count)
    return .sequence(TemplateSequence(.range(start: start, stop: stop, step: step), elements))
  }

  private static func dictionary(
    _ evaluator: TemplateEvaluator, _ arguments: TemplateArguments
  ) throws(Problem) -> TemplateDictionary {
    var dictionary = TemplateDictionary()
    guard arguments.positional.count <= 1 else { throw evaluator.fault("dict takes one value") }
    switch arguments.positional.first {
    case nil: break
    case .dictionary(let given): dictionary = given
    case .some(let pairs):
      for pair in try evaluator.elements(of: pairs) {
        let parts = try evaluator.elements(of: pair)
        guard parts.count == 2 else { throw evaluator.fault("dict needs pairs") }
        try evaluator.checkHashable(parts[0])
        dictionary[parts[0]] = parts[1]
      }
    }
    for (name, value) in arguments.keyword { dictionary[.string(name)] = value }
    return dictionary
  }

  private static let namespace: TemplateCallable.Body = { evaluator, arguments throws(Problem) in
    let namespace = evaluator.makeNamespace()
    for (key, value) in try dictionary(evaluator, arguments).members {
      guard case .string(let name) = key, !name.hasPrefix("_") else {
        throw evaluator.fault("a namespace needs names that do not start with \"_\"")
      }
      namespace.attributes[name] = value
    }
    return .namespace(namespace)
  }

  private static let refuse: TemplateCallable.Body = { evaluator, arguments throws(Problem) in
    let bound = try arguments.bound(
      to: ["message"], required: 1, of: "raise_exception", in: evaluator)
    throw evaluator.fault("the template refuses it: \(PythonText.text(bound[0] ?? .none))")
  }

  private static let date: TemplateCallable.Body = { evaluator, arguments throws(Problem) in
    let bound = try arguments.bound(to: ["format"], required: 1, of: "strftime_now", in: evaluator)
    let format = try evaluator.text(bound[0], for: "strftime_now") ?? ""
    var seconds = time_t(evaluator.now)
    var parts = tm()
    guard localtime_r(&seconds, &parts) != nil else {
      throw evaluator.fault("the date is out of range")
    }
    guard format.utf8.count <= 200 else { throw evaluator.fault("the date format is too long") }
    guard !format.isEmpty else { return .string("") }
    var buffer = [CChar](repeating: 0, count: 8192)
    let length = strftime(&buffer, buffer.count, format, &parts)
    return .string(String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self))
  }
}
