import ArgumentParser
import Rows
import Text
import Training

/// The held-out rows and how they become tokens, for every verb that measures on some.
struct RowOptions: ParsableArguments {
  @Option(parsing: .singleValue, help: "File of rows, a folder or a pattern; may be repeated.")
  var data: [String]

  @Option(help: "Format of the rows; auto recognizes it.")
  var format = RowFormat.auto

  @Option(help: "Longest row in tokens.")
  var maxLength = 1024

  @Option(help: "What to do with longer rows.")
  var overlong = Overlong.drop

  @Option(help: "Tokens that count.")
  var trainOn = TrainOn.assistant

  @OptionGroup var template: TemplateOptions

  var sources: [RowSource] { data.map { RowSource(path: $0, format: format) } }
}
