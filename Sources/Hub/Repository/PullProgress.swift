import Synchronization

/// How far a pull has come, for whoever shows it.
package struct PullState: Sendable, Equatable {
  package var files = 0
  package var totalFiles = 0
  /// Bytes that are on this machine, of all that are wanted.
  package var bytes = 0
  package var totalBytes = 0
  /// Bytes that came over the network; the rest was here already.
  package var receivedBytes = 0
}

/// What a pull has to tell.
package enum PullEvent: Sendable {
  /// The files are known.
  case started(commit: String, PullState)
  case progress(PullState)
  /// Something that a person who waits should know, such as a pause.
  case note(String)
}

/// What the threads of a pull share.
final class PullProgress: Sendable {
  private struct Contents: Sendable {
    var state = PullState()
    var notes: [String] = []
    var fault: (any Error)?
    var next = 0
  }

  private let contents = Mutex(Contents())
  private let isStopping = Atomic<Bool>(false)

  var isStopped: Bool { isStopping.load(ordering: .relaxed) }
  func stop() { isStopping.store(true, ordering: .relaxed) }

  var state: PullState { contents.withLock { $0.state } }

  func start(totalFiles: Int, totalBytes: Int) {
    contents.withLock {
      $0.state.totalFiles = totalFiles
      $0.state.totalBytes = totalBytes
    }
  }

  /// Bytes of a file that are there, or no longer.
  func count(_ bytes: Int, isReceived: Bool) {
    contents.withLock {
      $0.state.bytes += bytes
      if isReceived, bytes > 0 { $0.state.receivedBytes += bytes }
    }
  }

  func finishFile() { contents.withLock { $0.state.files += 1 } }
  func note(_ text: String) { contents.withLock { $0.notes.append(text) } }

  /// The notes since the last call.
  func takeNotes() -> [String] {
    contents.withLock { contents in
      defer { contents.notes = [] }
      return contents.notes
    }
  }

  /// The next number of the work; every number is given out once.
  func takeNumber() -> Int {
    contents.withLock {
      $0.next += 1
      return $0.next - 1
    }
  }

  /// Remembers the first fault and ends the work.
  func fail(_ error: any Error) {
    contents.withLock {
      // What follows from stopping is not why.
      if $0.fault == nil || $0.fault is HubCancelled { $0.fault = error }
    }
    stop()
  }

  func throwFault() throws {
    if let fault = contents.withLock({ $0.fault }) { throw fault }
  }
}
