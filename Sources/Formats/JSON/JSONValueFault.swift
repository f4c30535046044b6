/// A value that is written in a JSON text, but cannot be handed on as it was written.
package struct JSONValueFault: Error, Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    /// `NaN`, `Infinity` or `-Infinity`, which JSON does not have and some programs write.
    case notANumber(String)
    /// An escape such as `\ud83d` without the one that completes it.
    case halfCharacter(String)
    /// A number with more digits than 64 bits hold, whole or floating.
    case roundedNumber(String)
  }

  package let kind: Kind
  /// Keys and positions from the inside out, as far as they are known.
  private var steps: [String] = []
  /// How deep the innermost value that holds it and is not yet finished lies.
  private var depth: Int

  init(_ kind: Kind, depth: Int) {
    self.kind = kind
    self.depth = depth
  }

  /// Notes that the value at `depth` that holds the fault is the one under `step` in the value around it.
  mutating func leave(_ depth: Int, step: @autoclosure () -> String) {
    guard depth == self.depth else { return }
    steps.append(step())
    self.depth -= 1
  }

  /// The way to the value: `messages[1].content`; empty where the whole text is the value.
  package var path: String {
    steps.reversed().reduce(into: "") { path, step in
      if !path.isEmpty, !step.hasPrefix("[") { path += "." }
      path += step
    }
  }
}
