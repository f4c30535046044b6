import Formats
import Testing

@testable import Text

@Suite struct TemplateErrorTests {
  @Test(arguments: [
    ("a\n  {% include 'x' %}", "t:2:3", "{% include %} is not supported"),
    ("{{ x | shout }}", "t:1:8", "\"shout\" is not supported"),
    ("{{ x is loud }}", "t:1:9", "\"is loud\" is not supported"),
    ("{% for x in y recursive %}{% endfor %}", "t:1:15", "recursive loops are not supported"),
    ("{% if x %}\n{% for y in x %}\n", "t:2:1", "ends before {% endfor %} or {% else %}"),
    ("{{ 'abc }}", "t:1:4", "the string is not closed"),
    ("{{ (1 }}", "t:1:7", "expected \")\""),
    ("{% set x = %}", "t:1:12", "expected an expression"),
    ("\n\n{{ a b }}", "t:3:6", "found \"b\", expected \"}}\""),
    ("é😀{{ # }}", "t:1:6", "\"#\" has no meaning"),
  ])
  func saysWhereATemplateIsWrong(source: String, place: String, sentence: String) throws {
    let error = try #require(throws: Problem.self) {
      try ChatTemplate(source: source, name: "t")
    }
    #expect(error.description.hasPrefix(place + ": "), "\(error)")
    #expect(error.description.contains(sentence), "\(error)")
  }

  @Test(arguments: [
    ("{{ x.y }}", "t:1:6: \"x\" is undefined"),
    ("ab\n {{ messages[0].a.b }}", "t:2:19: a dict has no attribute \"a\""),
    ("{{ messages[0].keys }}{{ 1 + 'a' }}", "t:1:28: + does not work on a int and a str"),
    ("{% for x in 3 %}{% endfor %}", "t:1:1: a int cannot be walked"),
    ("{{ messages.append(1) }}", "t:1:13: a template must not change a list"),
  ])
  func saysWhereRenderingFails(source: String, message: String) throws {
    let template = try ChatTemplate(source: source, name: "t")
    let error = try #require(throws: Problem.self) {
      try template.render(messages: [Message(role: "user", content: "x")])
    }
    #expect(error.description.hasPrefix(message), "\(error)")
  }

  /// Programs that would run for ever, or fill the memory or the stack.
  @Test(arguments: [
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "{% set n = namespace(s='ab') %}{% for i in range(100) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
    "{% set n = namespace(s='ab') %}{% for i in range(100) %}{% set n.s = n.s * 1000 %}{% endfor %}",
    "{% set n = namespace(s='ab') %}{% for i in range(100) %}{% set n.s = n.s.replace('', n.s) %}{% endfor %}",
    "{% set n = namespace(s=['ab']) %}{% for i in range(100) %}{% set n.s = n.s + n.s %}{% endfor %}",
    "{% set n = namespace(s=['ab']) %}{% for i in range(100) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}",
    "{% set n = namespace(s=1) %}{% for i in range(100000) %}{% set n.s = [n.s] %}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% for i in range(100000) %}{{ 'x' * 100000 }}{% endfor %}",
    "{{ [0] * 999999999999 }}", "{{ 'x' * 9223372036854775807 }}", "{{ 2 ** 64 }}",
    "{{ 9223372036854775807 + 1 }}", "{{ 'a' | indent(99999999) }}",
    "{{ 'a'.zfill(9999999999999) }}",
    "{{ 99999999999999999999 }}", "{{ (-9223372036854775807 - 1) // -1 }}",
  ])
  func boundsRunawayTemplates(source: String) throws {
    #expect(throws: Problem.self) {
      let statements = try TemplateParser.parse(source, name: "t")
      let limits = TemplateEvaluator.Limits(steps: 200_000, textBytes: 1 << 20, elements: 10_000)
      _ = try TemplateEvaluator(name: "t", variables: [:], now: 0, limits: limits).render(
        statements)
    }
  }

  @Test(arguments: [
    "{{ " + String(repeating: "(", count: 100_000),
    "{{ " + String(repeating: "[", count: 5000) + "}}",
    "{{ " + String(repeating: "not ", count: 5000) + "1 }}",
    "{{ " + String(repeating: "-", count: 5000) + "1 }}",
    String(repeating: "{% if 1 %}", count: 5000),
    "{{ 1" + String(repeating: " + 1", count: 5000) + " }}",
    "{{ x" + String(repeating: "|trim", count: 5000) + " }}",
    "{{ x" + String(repeating: ".y", count: 5000) + " }}",
    "{% set " + String(repeating: "(", count: 5000) + "x" + String(repeating: ")", count: 5000)
      + " = 1 %}",
  ])
  func boundsNesting(source: String) throws {
    #expect(throws: Problem.self) { try ChatTemplate(source: source, name: "t") }
  }

  @Test func evaluatesLongChainsWithinTheStack() throws {
    let sum = "{{ 1" + String(repeating: " + 1", count: 400) + " }}"
    #expect(try ChatTemplate(source: sum, name: "t").render(messages: []) == "401")
    let longer = "{{ 1" + String(repeating: " + 1", count: 900) + " }}"
    #expect(throws: Problem.self) {
      try ChatTemplate(source: longer, name: "t").render(messages: [])
    }
  }

  @Test func releasesNamespacesThatHoldEachOther() throws {
    let source = """
      {% set n = namespace() %}{% for i in range(50000) %}{% set m = namespace(next=n.last) %}\
      {% set n.last = m %}{% endfor %}{% set n.self = n %}done
      """
    #expect(try ChatTemplate(source: source, name: "t").render(messages: []) == "done")
  }

  @Test func showsTheDateThatItIsGiven() throws {
    var template = try ChatTemplate(source: "{{ strftime_now('%Y %d %b') }}", name: "t")
    template.date = 1_750_000_000  // 15 June 2025, about 15:00 UTC
    #expect(try template.render(messages: []).hasPrefix("2025 1"))
    template.date = 0
    #expect(try template.render(messages: []) != "")
  }
}
