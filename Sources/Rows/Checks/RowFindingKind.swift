/// What a finding is about. The raw value is its stable name, in the order of a report.
package enum RowFindingKind: String, CaseIterable, Sendable {
  // The file and the shape of a row
  case unreadableFile = "unreadable-file"
  case malformedRow = "malformed-row"
  case wrongType = "wrong-type"
  case missingField = "missing-field"
  case repeatedKey = "repeated-key"
  case emptyQuestion = "empty-question"
  case emptyAnswer = "empty-answer"
  case unknownRole = "unknown-role"
  case roleOrder = "role-order"
  case endsWithUser = "ends-with-user"
  case brokenToolCall = "broken-tool-call"
  case unknownTool = "unknown-tool"
  case missingArgument = "missing-argument"
  case resultWithoutCall = "result-without-call"
  case templateRefused = "template-refused"
  case refusedRow = "refused-row"
  // Tokens
  case nothingTrained = "no-trained-token"
  case endNotTrained = "end-not-trained"
  case untrainedToken = "untrained-token"
  case overlong
  case beyondPositions = "beyond-positions"
  case notShown = "not-shown"
  // Rows that stand twice
  case sameFile = "same-file"
  case leak
  case nearLeak = "near-leak"
  case duplicate
  case nearDuplicate = "near-duplicate"
  // Characters
  case controlToken = "control-token"
  case chatMarkup = "chat-markup"
  case mojibake
  case replacementCharacter = "replacement-character"
  case controlCharacter = "control-character"
  case invisibleCharacter = "invisible-character"
  // Personal data
  case email
  case phone
  case cardNumber = "card-number"
  case iban
  case ipAddress = "ip-address"
  case secret
  // Answers
  case echo
  case placeholder
  case openFence = "open-fence"
  case loopingAnswer = "looping-answer"
  case refusal
  case dominantAnswer = "dominant-answer"
  case unusualLength = "unusual-length"

  /// How bad it usually is.
  package var severity: RowFinding.Severity {
    switch self {
    case .unreadableFile, .malformedRow, .wrongType, .missingField, .emptyAnswer, .unknownRole,
      .brokenToolCall, .unknownTool, .missingArgument, .templateRefused,
      .refusedRow, .nothingTrained, .endNotTrained, .untrainedToken, .overlong, .beyondPositions,
      .sameFile, .leak,
      .controlToken:
      .damage
    case .refusal, .dominantAnswer, .unusualLength, .notShown: .note
    default: .doubt
    }
  }

  /// What to do about it, in a few words.
  package var advice: String {
    switch self {
    case .unreadableFile: "Repair the file; rows behind this place were not read."
    case .malformedRow: "Repair the line; it is not JSON."
    case .wrongType: "Write the value as the type that is expected."
    case .missingField: "Add the field, or remove the row."
    case .repeatedKey: "Keep one of the values; only the last one is read."
    case .emptyQuestion: "Write what the assistant is asked, or remove the row."
    case .emptyAnswer: "Write the answer, or remove the row."
    case .unknownRole: "Use a role that is known."
    case .roleOrder: "Put the messages into the order that the template expects."
    case .endsWithUser: "Add the answer; the open question is left out."
    case .brokenToolCall: "Write the call as JSON with \"name\" and \"arguments\"."
    case .unknownTool: "List the tool in \"tools\", or correct the name."
    case .missingArgument: "Give the call every argument that the tool requires."
    case .resultWithoutCall: "Put the call before its result."
    case .templateRefused: "Change the row or data.template."
    case .refusedRow: "Correct the row, or remove it."
    case .nothingTrained: "Check data.train_on, weights and max_length."
    case .endNotTrained: "Check data.template; the model would not learn to stop."
    case .untrainedToken: "Use a template of tokens that the base knows, or another base."
    case .overlong: "Shorten the row or raise max_length."
    case .beyondPositions: "Shorten the row; the model never saw such positions."
    case .notShown: "Use a template that has a place for it."
    case .sameFile: "Name the file once."
    case .leak: "Remove the row from the training files."
    case .nearLeak: "Compare the two rows; keep one side's."
    case .duplicate: "Remove the repetition, or keep it on purpose."
    case .nearDuplicate: "Compare the two rows; remove one."
    case .controlToken: "Rewrite the text; the model reads control tokens there."
    case .chatMarkup: "Remove markup that is left over from a chat format."
    case .mojibake: "Decode the file as what it was written in (UTF-8)."
    case .replacementCharacter: "Restore the characters that were lost."
    case .controlCharacter: "Remove characters that nobody sees."
    case .invisibleCharacter: "Remove characters that nobody sees."
    case .email, .phone, .cardNumber, .iban, .ipAddress:
      "Replace it, or make sure that it may be learnt."
    case .secret: "Remove it, and make it invalid where it was in use."
    case .echo: "Write an answer; it only repeats the question."
    case .placeholder: "Write the answer that was meant to stand there."
    case .openFence: "Close the code block; the answer may be cut off."
    case .loopingAnswer: "Cut the repetition; the model would learn it."
    case .refusal: "Decide whether the model shall talk like this."
    case .dominantAnswer: "Balance the answers, or judge by more than accuracy."
    case .unusualLength: "Look at the row; it is not like the others."
    }
  }
}
