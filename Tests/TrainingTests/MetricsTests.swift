import Formats
import Foundation
import Testing
import Training

@Suite struct MetricsTests {
  private func temporaryPath() -> String {
    NSTemporaryDirectory() + "/metrics-\(UUID().uuidString).jsonl"
  }

  private func metrics(step: Int) -> StepMetrics {
    StepMetrics(
      step: step, totalSteps: 9, epoch: 0.5, loss: 2.25, learningRate: 1e-4, gradNorm: 0.75,
      tokens: 100, computedTokens: 80, trainedTokens: 40, tokensPerSecond: 200, seconds: 0.5,
      peakRSSBytes: 1 << 20)
  }

  private func lines(_ path: String) throws -> [String] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  @Test func aStepIsOneLineWithTheseFields() throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let log = try MetricsWriter(path: path, keepingStepsThrough: nil)
    try log.write(metrics(step: 1))
    try log.write(EvaluationMetrics(step: 1, loss: 0, perplexity: 1, tokens: 12, rows: 3))
    // Still open: a reader sees every line as soon as it is written.
    #expect(
      try lines(path) == [
        #"{"step":1,"epoch":0.5,"loss":2.25,"learning_rate":0.0001,"grad_norm":0.75,"tokens":100,"#
          + #""computed_tokens":80,"trained_tokens":40,"tokens_per_second":200.0,"seconds":0.5,"peak_rss_bytes":1048576}"#,
        #"{"step":1,"eval_loss":0.0,"perplexity":1.0,"eval_tokens":12,"eval_rows":3}"#,
      ])
  }

  @Test func aNewRunStartsEmpty() throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try MetricsWriter(path: path, keepingStepsThrough: nil).write(metrics(step: 1))
    _ = try MetricsWriter(path: path, keepingStepsThrough: nil)
    #expect(try lines(path).isEmpty)
  }

  @Test func aResumedRunDropsWhatItWillDoAgain() throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let first = try MetricsWriter(path: path, keepingStepsThrough: nil)
    for step in 1...5 { try first.write(metrics(step: step)) }
    try first.write(EvaluationMetrics(step: 3, loss: 1, perplexity: 2, tokens: 1, rows: 1))
    let torn = Array(try lines(path)[0].utf8.prefix(20))
    let tornFile = try OutputFile(path, appending: true)
    try tornFile.write(torn)
    try tornFile.close()

    let resumed = try MetricsWriter(path: path, keepingStepsThrough: 3)
    try resumed.write(metrics(step: 4))
    try resumed.synchronize()
    let steps = try lines(path).map { try JSONParser.parse($0)["step"]?.integer }
    #expect(steps == [1, 2, 3, 3, 4])
  }

  @Test func resumingWithoutAFileIsFine() throws {
    let path = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try MetricsWriter(path: path, keepingStepsThrough: 3).write(metrics(step: 4))
    #expect(try lines(path).count == 1)
  }

  @Test func peakMemoryGrowsWithUse() {
    let before = PeakMemory.bytes
    #expect(before > 1 << 20)
    let size = before + (64 << 20)
    let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
    for offset in stride(from: 0, to: size, by: 4096) {
      block.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
    }
    block.deallocate()
    #expect(PeakMemory.bytes >= size)
  }
}
