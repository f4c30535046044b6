import Foundation

/// One of the two streams that a person or a pipe reads.
struct Terminal: Sendable {
  /// Results: what a pipe gets.
  static let output = Terminal(descriptor: STDOUT_FILENO)
  /// Progress, prose and errors.
  static let error = Terminal(descriptor: STDERR_FILENO)

  private let descriptor: Int32
  /// Whether a person watches it, so that a line may be drawn over.
  let isInteractive: Bool
  private let usesColor: Bool

  private init(descriptor: Int32) {
    self.descriptor = descriptor
    let environment = ProcessInfo.processInfo.environment
    isInteractive = isatty(descriptor) == 1 && environment["TERM"] != "dumb"
    // https://no-color.org: any value but the empty one.
    usesColor = isInteractive && (environment["NO_COLOR"] ?? "").isEmpty
  }

  /// Writes all of it; false where nobody reads any more. A result that cannot be written, on a full disk
  /// for example, ends the program with a sentence: it must not look like success.
  @discardableResult
  func write(_ text: String) -> Bool {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR || errno == EAGAIN { continue }
      guard count > 0 else {
        if descriptor == STDOUT_FILENO, errno != EPIPE {
          let reason = String(cString: strerror(errno))
          Terminal.error.write("finetune: standard output: it cannot be written (\(reason))\n")
          exit(ExitStatus.failed)
        }
        return false
      }
      rest = rest.dropFirst(count)
    }
    return true
  }

  func warn(_ sentence: String) { write(yellow("warning: ") + sentence + "\n") }

  /// Columns of the window.
  var width: Int {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  // MARK: Emphasis, where the terminal shows it

  func bold(_ text: String) -> String { styled(text, "1") }
  func dim(_ text: String) -> String { styled(text, "2") }
  func yellow(_ text: String) -> String { styled(text, "33") }
  func green(_ text: String) -> String { styled(text, "32") }

  private func styled(_ text: String, _ code: String) -> String {
    usesColor ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}

/// Warnings that may come in thousands, such as one for each row that is left out: the first ones, and
/// how many more there are.
struct WarningLines {
  private static let shown = 20

  let terminal: Terminal
  private var count = 0

  init(terminal: Terminal) { self.terminal = terminal }

  mutating func add(_ sentence: String) {
    count += 1
    if count <= Self.shown { terminal.warn(sentence) }
  }

  func finish() {
    guard count > Self.shown else { return }
    terminal.warn("and \(NumberText.grouped(count - Self.shown)) more like these")
  }
}
