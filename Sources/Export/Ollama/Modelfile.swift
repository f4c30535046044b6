import Formats
import Text

/// The text of an Ollama Modelfile: a GGUF file, how a conversation becomes text, and where to stop.
package struct Modelfile {
  /// As FROM names it, relative to the Modelfile.
  package let model: String
  /// nil: prompts go to the model as they are.
  package let form: ChatForm?
  /// Texts that end an answer.
  package let stops: [String]
  /// A system message for conversations without one.
  package var system: String?

  package init(model: String, form: ChatForm?, stops: [String], system: String? = nil) {
    self.model = model
    self.form = form
    self.stops = stops
    self.system = system
  }

  package var text: String {
    var lines = ["FROM ./\(model)"]
    if let form { lines.append("TEMPLATE \"\"\"\(Self.goTemplate(form))\"\"\"") }
    lines += stops.map { "PARAMETER stop \(Self.quoted($0))" }
    if let system { lines.append("SYSTEM \"\"\"\(system)\"\"\"") }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The same form in Go's text/template, as Ollama runs it: `.Messages` in turn, the answer last.
  static func goTemplate(_ form: ChatForm) -> String {
    let system =
      "{{ if .System }}\(literal(form.systemHead))"
      + "{{ .System }}\(literal(form.systemTail)){{ else }}\(literal(form.head)){{ end }}"
    let user = "{{ if eq .Role \"user\" }}{{ .Content }}\(literal(form.middle))"
    let answer =
      "{{ else if eq .Role \"assistant\" }}{{ .Content }}"
      + "{{ if not $last }}\(literal(form.join)){{ end }}{{ end }}"
    return system
      + "{{ range $i, $_ := .Messages }}{{ $last := eq (len (slice $.Messages $i)) 1 }}"
      + user + answer + "{{ end }}"
  }

  /// Text that stands for itself in a template.
  private static func literal(_ text: String) -> String {
    text.split(separator: "{{", omittingEmptySubsequences: false)
      .joined(separator: "{{ \"{{\" }}")
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for character in text.unicodeScalars {
      switch character {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      default: quoted.unicodeScalars.append(character)
      }
    }
    return quoted + "\""
  }
}
