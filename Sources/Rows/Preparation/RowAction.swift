/// What happens to a row that something was found in.
package enum RowAction: String, CaseIterable, Sendable {
  /// The preparation stops and says where.
  case fail
  /// The row is left out.
  case drop
  /// What was found is repaired.
  case fix
  /// The row stays as it is.
  case keep
}

extension RowFindingKind {
  /// Whether a row can be repaired without guessing what its writer meant.
  package var hasRepair: Bool {
    switch self {
    case .repeatedKey, .endsWithUser, .controlToken, .chatMarkup, .mojibake, .controlCharacter,
      .invisibleCharacter, .email, .phone, .cardNumber, .iban, .ipAddress, .secret, .leak,
      .nearLeak, .duplicate, .nearDuplicate:
      true
    default: false
    }
  }

  /// What may happen to rows with a finding of this kind.
  package var actions: [RowAction] {
    switch self {
    // What is no JSON cannot be written as a row.
    case .unreadableFile, .malformedRow: [.fail, .drop]
    // About a whole file.
    case .sameFile: [.fail, .drop, .keep]
    case .dominantAnswer: [.fail, .keep]
    // About a model.
    case .untrainedToken: [.keep]
    default: hasRepair ? RowAction.allCases : [.fail, .drop, .keep]
    }
  }

  /// Whether only a look at all rows shows it, apart from rows that are the same.
  var needsAllRows: Bool {
    switch self {
    case .nearLeak, .nearDuplicate, .dominantAnswer, .unusualLength: true
    default: false
    }
  }
}
