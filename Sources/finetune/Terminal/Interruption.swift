import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and SIGTERM while a run goes on: the first asks it to stop where nothing is lost, the second
/// ends the process at once.
final class Interruption {
  private let requests = Requests()
  private var sources: [any DispatchSourceSignal] = []

  /// Whether the run should save and stop.
  var isRequested: Bool { requests.count.load(ordering: .relaxed) > 0 }

  /// Watches for the signals as long as this object lives; `announce` is called at the first one.
  ///
  /// The handlers run on a queue of their own, not inside the signal, so they may do anything.
  func watch(_ announce: @escaping @Sendable () -> Void) {
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { [requests] in
        let earlier = requests.count.wrappingAdd(1, ordering: .relaxed).oldValue
        if earlier > 0 { _exit(ExitStatus.interrupted) }
        announce()
      }
      source.resume()
      return source
    }
  }

  /// From here on the signals end the process, as they do from the start.
  deinit {
    for source in sources { source.cancel() }
    if !sources.isEmpty { for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) } }
  }

  /// Shared between the run and the handlers.
  private final class Requests: Sendable {
    let count = Atomic<Int>(0)
  }
}
