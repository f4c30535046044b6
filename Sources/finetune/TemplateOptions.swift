import ArgumentParser
import Formats
import Text

/// Which chat template a verb renders, and what it is told.
struct TemplateOptions: ParsableArguments {
  @Option(
    help: "Chat template: auto (the model's own), the name of a built-in one, or a Jinja file.")
  var template = "auto"

  @OptionGroup var variables: TemplateVariableOptions

  func choice() throws(Problem) -> TemplateChoice {
    TemplateChoice(template, variables: try variables.variables())
  }
}

/// `--template-variable`, wherever a chat template is rendered.
struct TemplateVariableOptions: ParsableArguments {
  @Option(
    name: .customLong("template-variable"), parsing: .singleValue,
    help: ArgumentHelp(
      "Variable for the chat template, such as enable_thinking=false; may be repeated.",
      valueName: "name=json"))
  var templateVariables: [String] = []

  func variables() throws(Problem) -> TemplateVariables {
    try TemplateVariables(options: templateVariables, option: "--template-variable")
  }
}
