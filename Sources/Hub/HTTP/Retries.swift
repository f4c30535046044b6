import CCurl
import Formats
import Foundation

/// A request that did not work this time and may work the next.
struct PassingFault: Error {
  let reason: String
  /// Seconds that the hub asks to wait.
  var pause: Double?
}

/// The person who asked wants no more; what came so far is kept.
package struct HubCancelled: Error {
  package init() {}
}

/// Tries a request again where that may help, after pauses that double.
struct Retries {
  let patience: HubSettings.Patience
  let isCancelled: () -> Bool
  let note: (String) -> Void

  /// However much comes each time, a transfer that always breaks has an end.
  private static let most = 200

  /// - Parameters:
  ///   - place: What the sentences are about.
  ///   - progress: Bytes that have come; a try that brought some does not count as one in vain.
  func run<Result>(
    _ place: String, progress: () -> Int = { 0 }, _ attempt: () throws -> Result
  ) throws -> Result {
    var failed = 0
    var seen = progress()
    for _ in 0..<Self.most {
      let fault: PassingFault
      do { return try attempt() } catch let passing as PassingFault { fault = passing }
      let now = progress()
      failed = now > seen ? 1 : failed + 1
      seen = now
      let pause = fault.pause ?? patience.firstPause * pow(2, Double(failed - 1))
      if pause > patience.longestPause {
        throw Problem(
          place,
          "\(fault.reason); the hub asks to wait \(Int(min(pause, 1e9).rounded(.up))) seconds; try again"
            + " then", kind: .run)
      }
      guard failed < patience.attempts else {
        throw Problem(
          place,
          "\(fault.reason), \(failed) times in a row; check the network (HTTPS_PROXY, HF_ENDPOINT) and run"
            + " the same command again, which goes on where this one stopped",
          kind: .run)
      }
      note("\(place): \(fault.reason); trying again in \(Self.seconds(pause))")
      try wait(pause)
    }
    throw Problem(place, "the connection breaks again and again; try later", kind: .run)
  }

  private func wait(_ seconds: Double) throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
      if isCancelled() { throw HubCancelled() }
      Thread.sleep(forTimeInterval: min(0.1, max(0.001, seconds)))
    }
  }

  private static func seconds(_ pause: Double) -> String {
    pause < 1 ? "a moment" : "\(Int(pause.rounded(.up))) s"
  }

  /// What an answer says about when to ask again: `Retry-After` in seconds or as a date, or the seconds
  /// until the window of the draft field `RateLimit` ends (`t=`).
  static func pause(asked head: HTTPHead) -> Double? {
    if let text = head["retry-after"] {
      if let seconds = Double(text), seconds.isFinite, seconds >= 0 { return seconds }
      let date = curl_getdate(text, nil)
      if date > 0 { return max(0, Double(date) - Date().timeIntervalSince1970) }
    }
    if let match = head["ratelimit"]?.firstMatch(of: /[;,]\s*t=(\d{1,9})/) {
      return Double(match.output.1)
    }
    return nil
  }
}
