/// Where the time of a step goes. While it runs, kernels report to it; else they make one comparison.
///
/// For one thread at a time: it counts what the kernels' caller waits for.
package enum KernelClock {
  package enum Part: String, CaseIterable {
    case linearForward = "linear layers, forward"
    case linearBackward = "linear layers, backward"
    case adapters = "adapters"
    case attentionForward = "attention, forward"
    case attentionBackward = "attention, backward"
    case head = "head and loss"
    case gated = "gated activation"
    case norms = "norms"
    case rope = "rotary embedding"
    case optimizer = "optimizer"
  }

  nonisolated(unsafe) private static var seconds: [Part: Double]?
  nonisolated(unsafe) private static var isInside = false

  /// Seconds that `body` spent in each part.
  package static func measure(_ body: () -> Void) -> [Part: Double] {
    seconds = [:]
    defer { seconds = nil }
    body()
    return seconds ?? [:]
  }

  /// The time of a kernel; kernels that it is made of belong to it.
  struct Span {
    fileprivate let part: Part
    fileprivate let start: ContinuousClock.Instant?

    func end() {
      guard let start else { return }
      let duration = start.duration(to: .now).components
      seconds?[part, default: 0] +=
        Double(duration.seconds) + Double(duration.attoseconds) * 1e-18
      isInside = false
    }
  }

  static func begin(_ part: Part) -> Span {
    guard seconds != nil, !isInside else { return Span(part: part, start: nil) }
    isInside = true
    return Span(part: part, start: .now)
  }
}
