import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and SIGTERM while a run is going on: the first asks it to stop where nothing is lost, the
/// second ends the process at once.
final class Interruption: Sendable {
  private let requests = Atomic<Int>(0)

  /// Whether the run should save and stop.
  var isRequested: Bool { requests.load(ordering: .relaxed) > 0 }

  /// Watches for the signals until the process ends.
  ///
  /// Handlers run on a queue of their own, so they may do anything; the signal itself only wakes it.
  func install(_ announce: @escaping @Sendable () -> Void) -> [any DispatchSourceSignal] {
    [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { [self] in
        let earlier = requests.wrappingAdd(1, ordering: .relaxed).oldValue
        if earlier > 0 { _exit(ExitStatus.interrupted) }
        announce()
      }
      source.resume()
      return source
    }
  }
}
