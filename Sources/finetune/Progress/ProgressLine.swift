import Foundation
import Training

/// The state of a run in one line: drawn over and over on a terminal, written now and then to a file.
final class ProgressLine {
  private let terminal: Terminal
  /// When the first step of this process began, and how many it has done: earlier steps and the time
  /// to load say nothing about the time that is left.
  private var firstStepBegan: ContinuousClock.Instant?
  private var stepsHere = 0
  private var drawn = ""

  init(_ terminal: Terminal) { self.terminal = terminal }

  func update(_ step: StepMetrics) {
    stepsHere += 1
    if stepsHere == 1 { firstStepBegan = .now - .seconds(step.seconds) }
    if terminal.isInteractive {
      draw(line(step, width: terminal.width))
    } else if isWorthALine(step) {
      terminal.write(plainLine(step))
    }
  }

  /// A line that stays, above the moving one.
  func announce(_ text: String) {
    let line = drawn
    clear()
    terminal.write(text + "\n")
    draw(line)
  }

  func clear() {
    guard !drawn.isEmpty else { return }
    terminal.write("\r\u{1B}[K")
    drawn = ""
  }

  private func draw(_ line: String) {
    guard !line.isEmpty else { return }
    terminal.write("\r\u{1B}[K" + line)
    drawn = line
  }

  // MARK: For a terminal

  /// What does not fit into the window goes, the least needed part first.
  private func line(_ step: StepMetrics, width: Int) -> String {
    let total = "\(step.totalSteps)"
    var parts = [
      "step \(leftPadded("\(step.step)", to: total.count))/\(total)",
      "loss \(NumberText.fixed(step.loss, 3))",
      timeLeft(after: step).map { "\(NumberText.duration($0)) left" } ?? "",
      "\(NumberText.grouped(Int(step.tokensPerSecond.rounded()))) tokens/s",
      NumberText.bytes(step.peakRSSBytes),
    ].filter { !$0.isEmpty }
    // The texts change their lengths from step to step; the bar must not.
    let barWidth = min(28, width - 60)
    let room = width - 1 - max(0, barWidth + 2)
    while parts.joined(separator: "  ").count > room, parts.count > 1 { parts.removeLast() }
    if barWidth >= 8 { parts.insert(bar(step, width: barWidth), at: 1) }
    return parts.joined(separator: "  ")
  }

  /// A bar of eighths: "██████▍       ".
  private func bar(_ step: StepMetrics, width: Int) -> String {
    let eighths = width * 8 * min(step.step, step.totalSteps) / max(step.totalSteps, 1)
    let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
    let full = String(repeating: "█", count: eighths / 8)
    let rest = String(repeating: " ", count: width - eighths / 8 - (partial.isEmpty ? 0 : 1))
    return terminal.green(full + partial) + terminal.dim(rest + "▏")
  }

  private func timeLeft(after step: StepMetrics) -> Double? {
    let left = step.totalSteps - step.step
    guard left > 0, let firstStepBegan else { return nil }
    return firstStepBegan.duration(to: .now).seconds / Double(stepsHere) * Double(left)
  }

  // MARK: For a file

  /// Every step of a short run; of a long one about two hundred, the first and the last.
  private func isWorthALine(_ step: StepMetrics) -> Bool {
    let stride = max(1, step.totalSteps / 200)
    return stepsHere == 1 || step.step == step.totalSteps || step.step.isMultiple(of: stride)
  }

  private func plainLine(_ step: StepMetrics) -> String {
    let left = timeLeft(after: step).map { "  \(NumberText.duration($0)) left" } ?? ""
    return "step \(step.step)/\(step.totalSteps)  loss \(NumberText.fixed(step.loss, 4))  "
      + "lr \(NumberText.rate(step.learningRate))  grad norm \(NumberText.fixed(step.gradNorm, 3))  "
      + "\(NumberText.grouped(Int(step.tokensPerSecond.rounded()))) tokens/s  "
      + "peak \(NumberText.bytes(step.peakRSSBytes))\(left)\n"
  }
}
