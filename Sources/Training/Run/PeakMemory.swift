import Foundation

/// The most memory this process has had resident so far.
///
/// `VmHWM` of /proc/self/status; where that is missing, `getrusage`, which on Linux may still show the
/// peak of the process that started this one.
package enum PeakMemory {
  package static var bytes: Int { highWaterMark() ?? resourceUsage() }

  private static func highWaterMark() -> Int? {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return nil }
    return kibibytes * 1024
  }

  private static func resourceUsage() -> Int {
    var usage = rusage()
    guard getrusage(numericCast(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
    return Int(usage.ru_maxrss) * 1024
  }
}
