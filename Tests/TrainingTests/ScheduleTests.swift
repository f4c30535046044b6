import Foundation
import Recipes
import Testing
import Training

/// The course of the learning rate, against transformers' (`scripts/golden/schedule.py`).
@Suite struct ScheduleTests {
  struct Case: CustomTestStringConvertible {
    let kind: Scheduler
    let totalSteps: Int
    let warmupRatio: Double
    let warmupSteps: Int
    let multipliers: [Double]

    var testDescription: String { "\(kind) \(totalSteps) steps, warm-up \(warmupRatio)" }

    init?(line: Substring) {
      let fields = line.split(separator: " ")
      guard fields.count > 4, let kind = Scheduler(rawValue: String(fields[0])),
        let totalSteps = Int(fields[1]), let warmupRatio = Double(fields[2]),
        let warmupSteps = Int(fields[3])
      else { return nil }
      self.kind = kind
      self.totalSteps = totalSteps
      self.warmupRatio = warmupRatio
      self.warmupSteps = warmupSteps
      multipliers = fields[4...].compactMap { Double($0) }
    }
  }

  static let cases: [Case] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Golden/schedule/multipliers.txt")
    let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").compactMap(Case.init)
  }()

  private func schedule(_ golden: Case) -> Schedule {
    Schedule(
      golden.kind, learningRate: 0.5, totalSteps: golden.totalSteps,
      warmupRatio: golden.warmupRatio)
  }

  @Test func theGoldenFileIsComplete() {
    #expect(Self.cases.count == 21)
    #expect(Self.cases.allSatisfy { $0.multipliers.count == $0.totalSteps })
  }

  @Test(arguments: cases)
  func everyStepEqualsTransformers(golden: Case) {
    let schedule = schedule(golden)
    #expect(schedule.warmupSteps == golden.warmupSteps)
    for (step, expected) in golden.multipliers.enumerated() {
      #expect(abs(schedule.multiplier(step: step) - expected) < 1e-15, "step \(step)")
      #expect(abs(schedule.learningRate(step: step) - 0.5 * expected) < 1e-15)
    }
  }

  @Test(arguments: [Scheduler.linear, .cosine])
  func pastTheEndNothingIsLearnt(kind: Scheduler) {
    let schedule = Schedule(kind, learningRate: 1, totalSteps: 10, warmupRatio: 0)
    #expect(abs(schedule.multiplier(step: 10)) < 1e-15)
  }
}
