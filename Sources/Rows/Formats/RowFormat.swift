/// The shape of a row.
package enum RowFormat: String, CaseIterable, Sendable {
  /// Recognized from the rows.
  case auto
  /// `{instruction, input?, output, system?, history?}`
  case alpaca
  /// `{conversations: [{from, value}], system?, tools?}`
  case sharegpt
  /// `{messages: [{role, content, …}], tools?}`, as OpenAI and transformers have it.
  case messages
  /// `{prompt, completion}`: plain text without a chat template, or two lists of messages.
  case completion
  /// `{text}`: documents.
  case text
  /// `{input_ids, labels?}`: already tokenized.
  case tokens
  /// `{prompt?, chosen, rejected}`: two answers, one better than the other.
  case preference
  /// `{prompt, completion, label}`: an answer that is good or not.
  case kto

  /// What a row of it holds, in a few words.
  package var summary: String {
    switch self {
    case .auto: "recognized from the rows"
    case .alpaca: "instruction, input and output"
    case .sharegpt: "conversations of from and value"
    case .messages: "messages of role and content"
    case .completion: "prompt and completion, without a chat template where they are texts"
    case .text: "documents without a chat template"
    case .tokens: "token ids"
    case .preference: "a chosen and a rejected answer"
    case .kto: "an answer with a label"
    }
  }
}
