import Hub

/// How far a pull is: one line drawn over and over on a terminal, a line now and then in a file.
final class PullDisplay {
  private let name: HubName
  private let terminal: Terminal
  private var isDrawn = false
  private var lastPlainLine: (at: ContinuousClock.Instant, tenths: Int) = (.now, 0)
  /// Bytes received by when: the rate is that of the last seconds.
  private var samples: [(at: ContinuousClock.Instant, bytes: Int)] = []

  private static let window: Duration = .seconds(8)
  /// A file gets a line for each tenth, or after this time.
  private static let silence: Duration = .seconds(30)

  init(_ name: HubName, terminal: Terminal) {
    self.name = name
    self.terminal = terminal
  }

  func show(_ event: PullEvent) {
    switch event {
    case .started(let commit, let state):
      let files = state.totalFiles == 1 ? "1 file" : "\(state.totalFiles) files"
      announce(
        "pulling \(name): commit \(commit.prefix(12)), \(files), "
          + NumberText.bytes(state.totalBytes))
    case .note(let text):
      announce(terminal.dim(text))
    case .progress(let state):
      update(state)
    }
  }

  /// Leaves the line empty.
  func finish() {
    guard isDrawn else { return }
    terminal.write("\r\u{1B}[K")
    isDrawn = false
  }

  private func announce(_ text: String) {
    finish()
    terminal.write(text + "\n")
  }

  private func update(_ state: PullState) {
    let now = ContinuousClock.now
    samples.append((now, state.receivedBytes))
    while samples.count > 2, samples[0].at.duration(to: now) > Self.window { samples.removeFirst() }
    if terminal.isInteractive {
      terminal.write("\r\u{1B}[K" + line(state, width: terminal.width))
      isDrawn = true
      return
    }
    let tenths = state.totalBytes > 0 ? state.bytes * 10 / state.totalBytes : 0
    let isLong = lastPlainLine.at.duration(to: now) > Self.silence
    guard tenths > lastPlainLine.tenths || isLong, state.receivedBytes > 0 else { return }
    lastPlainLine = (now, tenths)
    terminal.write(line(state, width: .max) + "\n")
  }

  /// What does not fit into the window goes, the least needed part first.
  private func line(_ state: PullState, width: Int) -> String {
    let percent = state.totalBytes > 0 ? state.bytes * 100 / state.totalBytes : 0
    var parts = [
      leftPadded("\(percent)", to: 3) + " %",
      "\(NumberText.bytes(state.bytes)) of \(NumberText.bytes(state.totalBytes))",
    ]
    if let rate, rate > 0 {
      parts.append("\(NumberText.fixed(rate / 1e6, 1)) MB/s")
      let left = Double(state.totalBytes - state.bytes) / rate
      if left >= 1 { parts.append("\(NumberText.duration(left)) left") }
    }
    parts.append("\(state.files) of \(state.totalFiles) files")
    while parts.joined(separator: "  ").count >= width, parts.count > 1 { parts.removeLast() }
    return parts.joined(separator: "  ")
  }

  /// Bytes in a second.
  private var rate: Double? {
    guard let first = samples.first, let last = samples.last else { return nil }
    let time = first.at.duration(to: last.at)
    let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    return seconds > 0.2 ? Double(last.bytes - first.bytes) / seconds : nil
  }
}
