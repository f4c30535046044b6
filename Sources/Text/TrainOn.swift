/// Which tokens of a conversation count in the loss.
package enum TrainOn: String, CaseIterable, Sendable {
  /// Every assistant text with the end-of-turn token after it.
  case assistant
  /// Only the last of them.
  case last
  case all
}
