import Foundation

/// Numbers as a person reads them.
enum NumberText {
  /// 1234567 -> "1,234,567".
  static func grouped(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return value < 0 ? "-" + text : text
  }

  /// 2.34567 with two decimals -> "2.35".
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return "\(value)" }
    return String(format: "%.\(decimals)f", value)
  }

  /// 2_442_240 -> "2.44 M".
  static func short(_ count: Int) -> String {
    switch count {
    case ..<10_000: grouped(count)
    case ..<1_000_000: fixed(Double(count) / 1e3, 1) + " k"
    case ..<1_000_000_000: fixed(Double(count) / 1e6, 2) + " M"
    default: fixed(Double(count) / 1e9, 2) + " B"
    }
  }

  /// 123_456_789 -> "123 MB".
  static func bytes(_ count: Int) -> String {
    switch count {
    case ..<1_000_000: fixed(Double(count) / 1e3, 0) + " kB"
    case ..<1_000_000_000: fixed(Double(count) / 1e6, 0) + " MB"
    default: fixed(Double(count) / 1e9, 2) + " GB"
    }
  }

  /// 4.21 -> "4.2 s", 192 -> "3 min 12 s", 7320 -> "2 h 2 min".
  static func duration(_ seconds: Double) -> String {
    guard seconds >= 10 else { return fixed(max(0, seconds), 1) + " s" }
    let whole = Int(min(seconds, 1e9).rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }

  /// Change from `before` to `after`: "-58.6 %".
  static func change(from before: Double, to after: Double) -> String {
    let percent = (after / before - 1) * 100
    return (percent >= 0 ? "+" : "") + fixed(percent, 1) + " %"
  }

  /// 2e-4 -> "0.0002", 1.9e-05 -> "1.90e-05".
  static func rate(_ value: Double) -> String { String(format: "%.3g", value) }
}

func leftPadded(_ text: String, to width: Int) -> String {
  String(repeating: " ", count: max(0, width - text.count)) + text
}
