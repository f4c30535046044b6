import Text

/// Rows that were refused, by what is wrong with them.
enum RefusedRow {
  static func finding(_ outcome: RowOutcome, _ fault: String) -> RowFinding {
    RowFinding(kind(outcome), outcome.place, fault, severity: .damage)
  }

  /// What a template refuses is most often the order of the messages.
  private static func kind(_ outcome: RowOutcome) -> RowFindingKind {
    guard outcome.faultKind == .templateRefused, let conversation = outcome.conversation,
      TurnOrder.fault(in: conversation) != nil
    else { return outcome.faultKind }
    return .roleOrder
  }
}
