package import Formats
package import Rows
package import Text

/// `data`: the rows and how they become tokens.
package struct DataSection: RecipeSection {
  package static let help = "The rows to learn from and how they become tokens."
  package init() {}

  @Key(
    "Rows to learn from: a list of {\"path\": …}.", .required,
    .elsewhere("datasets", "dataset", "train_file"))
  package var train: [DataSource] = []

  @Key(
    "Held-out files, never trained on; evaluation measures the loss on them.",
    .elsewhere("eval_dataset", "test_datasets", "validation_file"))
  package var validation: [DataSource] = []

  @Key(
    "Share of the training rows to hold out if there is no validation file; the seed chooses "
      + "which.", .in(0..<1), .elsewhere("val_set_size", "val_size", "test_size"))
  package var validationFraction = 0.0

  @Key(
    "Chat template: \"auto\" takes the model's own; otherwise the path of a Jinja file, or the name of "
      + "a built-in one: alpaca, chatml, deepseek, gemma, llama-2, llama-3, llama-3.1, mistral, phi-3, "
      + "qwen, qwen-3, vicuna, zephyr.",
    .elsewhere("chat_template"))
  package var template = "auto"

  @Key(
    "Variables for the chat template beside the conversation, such as {\"enable_thinking\": false}: "
      + "an object of any JSON values.", .elsewhere("chat_template_kwargs"))
  package var templateVariables = TemplateVariables()

  @Key(
    "Longest row in tokens, template included.", .in(2...1_048_576),
    .elsewhere("sequence_len", "cutoff_len", "max_seq_length", "max_seq_len"))
  package var maxLength = 1024

  @Key(
    "A row longer than max_length: \"drop\" leaves it out, \"truncate\" cuts it on the right (both "
      + "are reported in rows.jsonl), \"error\" stops before training.",
    .elsewhere("excess_length_strategy", "truncation"))
  package var overlong = Overlong.drop

  @Key(
    "What is learnt: \"assistant\" is every answer with the end-of-turn token after it, \"last\" "
      + "only the last answer, \"all\" every token.",
    .elsewhere("train_on_inputs", "train_on_prompt", "mask_history", "assistant_only_loss"))
  package var trainOn = TrainOn.assistant

  @Key(
    "Whether the model learns to write what ends an answer, so that it stops there.",
    .elsewhere("train_on_eos", "train_on_eot"))
  package var trainEndOfTurn = true

  @Key(
    "Turns arguments of tool calls that are JSON as text into objects, for templates that want objects. "
      + "Otherwise they reach the template as the row has them.")
  package var parseToolArguments = false

  @Key(
    "Fills a micro-batch up to micro_batch_size × max_length tokens with whole rows. Rows never see "
      + "each other.", .elsewhere("sample_packing", "packed", "neat_packing"))
  package var packing = true

  @Key("Visits the rows in a new random order each epoch; false keeps the order of the files.")
  package var shuffle = true

  @Key(
    "Whether rows are made tokens of once and kept on disk: \"auto\" where the files have at least 64 MB, "
      + "\"always\", \"never\". Training gives the same bits either way.", .freeOnResume)
  package var cache = RowCaching.auto

  @Key(
    "Where those caches are; null is finetune/rows in $XDG_CACHE_HOME or ~/.cache. What is in it may be "
      + "deleted at any time.", .freeOnResume)
  package var cacheDirectory: String? = nil
}

/// A file of rows.
package struct DataSource: RecipeSection {
  package static let help = "Rows of one shape: a file, a folder or a pattern."
  package init() {}

  package init(path: String, format: RowFormat) {
    self.path = path
    self.format = format
  }

  @Key(
    "A file of rows, a folder of them or a pattern such as data/*.jsonl: .json, .jsonl, .csv, .tsv, .txt or "
      + ".md, also compressed (.gz, .zst).", .required)
  package var path = ""

  @Key(
    "Shape of the rows: \"auto\" recognizes it; \"alpaca\" {instruction, input?, output, system?}; "
      + "\"sharegpt\" {conversations: [{from, value}], system?}; \"messages\" {messages: [{role, content}], "
      + "tools?}; \"completion\" {prompt, completion}; \"text\" {text}, documents without a template; "
      + "\"tokens\" {input_ids, labels?}; \"preference\" {prompt?, chosen, rejected}; \"kto\" {prompt, "
      + "completion, label}.", .elsewhere("type", "formatting"))
  package var format = RowFormat.auto

  @Key(
    "Names of the rows' own for fields of the format, such as {\"instruction\": \"question_text\", "
      + "\"output\": \"meta.answer\"}; \"role\" and \"content\" are fields of messages.",
    .elsewhere("columns", "column_map", "field_messages", "message_property_mappings"))
  package var fields: [String: String] = [:]

  @Key(
    "Names of the rows' own for who speaks, such as {\"customer\": \"user\", \"agent\": \"assistant\"}.",
    .elsewhere("tags", "role_map"))
  package var roles: [String: String] = [:]

  @Key(
    "Text with fields of the row in braces that becomes the question, such as \"Sum up: {article}\".",
    .elsewhere("format_string", "no_input_format"))
  package var prompt: String? = nil

  @Key(
    "How often the rows are seen in an epoch: 0.5 is every other row, another half each epoch; 2 is each "
      + "row twice. null is once. Of data.train only.", .above(0, upTo: 10_000),
    .elsewhere("probability", "ratio"))
  package var weight: Double? = nil

  @Key(
    "How many rows are seen in an epoch instead, others each epoch until all were seen. Of data.train only.",
    .in(1...1_000_000_000), .elsewhere("num_samples", "max_samples"))
  package var samples: Int? = nil

  @Key(
    "What figures of this source alone are called in metrics.jsonl, such as eval_loss/NAME; null is the "
      + "name of the file.")
  package var name: String? = nil

  /// The source as rows are read from it.
  package func rows(_ data: DataSection) -> RowSource {
    RowSource(
      path: path, format: format,
      mapping: RowMapping(fields: fields, roles: roles, prompt: prompt),
      parsesToolArguments: data.parseToolArguments)
  }
}

extension RowFormat: RecipeChoice {}
extension Overlong: RecipeChoice {}
extension RowCaching: RecipeChoice {}
extension TrainOn: RecipeChoice {}

extension Array: RecipeValue where Element == DataSource {
  package static func expectation(_ bounds: String?) -> String {
    "a list such as [{\"path\": \"rows.jsonl\"}]"
  }

  package static var schema: JSONObject {
    JSONObject([("type", "array"), ("items", DataSource().schema)])
  }

  package static func read(
    _ json: JSON, at place: String, expecting expectation: String, problems: inout [String]
  ) -> [DataSource]? {
    guard let elements = json.array else {
      problems.append("\(place): found \(json.kindName), expected \(expectation)")
      return nil
    }
    return elements.enumerated().map { index, element in
      let source = DataSource()
      guard let object = element.object else {
        problems.append(
          "\(place)[\(index)]: found \(element.kindName), expected an object such as "
            + "{\"path\": \"rows.jsonl\"}")
        return source
      }
      source.read(object, at: "\(place)[\(index)]", problems: &problems)
      return source
    }
  }

  package var json: JSON { .array(map(\.json)) }
  package var saysNothing: Bool { isEmpty }
}
