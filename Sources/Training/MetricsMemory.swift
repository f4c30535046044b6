import Foundation

/// The most memory this process has had resident so far, in bytes.
///
/// `VmHWM` of /proc/self/status; where that is missing, `getrusage`, which on Linux may still show the
/// peak of the process that started this one.
package func peakResidentBytes() -> Int {
  highWaterMark() ?? resourceUsagePeak()
}

private func highWaterMark() -> Int? {
  guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
    let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
  else { return nil }
  return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
}

private func resourceUsagePeak() -> Int {
  var usage = rusage()
  let answer = getrusage(numericCast(RUSAGE_SELF.rawValue), &usage)
  return answer == 0 ? Int(usage.ru_maxrss) * 1024 : 0
}
