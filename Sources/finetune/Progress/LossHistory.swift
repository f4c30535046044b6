import Training

/// The losses of a run, for the curve at its end.
struct LossHistory {
  private var losses: [Double] = []
  private(set) var last: StepMetrics?
  /// Of all steps: tokens of the rows, and those that were computed.
  private(set) var tokens = (rows: 0, computed: 0)

  var count: Int { losses.count }

  mutating func add(_ step: StepMetrics) {
    losses.append(step.loss)
    tokens.rows += step.tokens
    tokens.computed += step.computedTokens
    last = step
  }

  /// "█▇▅▄▃▂▁▁  2.9102 → 1.0231": means of equal parts of the run, highest to lowest.
  var curve: String {
    let parts = min(40, losses.count)
    let means = (0..<parts).map { part in
      let range = losses[losses.count * part / parts..<losses.count * (part + 1) / parts]
      return range.reduce(0, +) / Double(range.count)
    }
    guard let low = means.min(), let high = means.max(), let first = means.first,
      let last = means.last
    else { return "" }
    let blocks = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    let height = max(high - low, .leastNormalMagnitude)
    let bars = means.map { blocks[min(7, max(0, Int(($0 - low) / height * 8)))] }
    return bars.joined() + "  \(NumberText.fixed(first, 4)) → \(NumberText.fixed(last, 4))"
  }
}
