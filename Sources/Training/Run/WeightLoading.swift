import Foundation
import Model
import Synchronization
import Tensors

/// A base model's weights on their way into memory, on a thread of their own.
///
/// Reading them takes about as long as the rest of a start, the tokenizer, the rows and the records, and
/// needs none of it. Whoever gives this object up stops the reading at the next layer.
final class WeightLoading {
  private let outcome: Outcome
  private let thread: Thread

  /// - Parameters:
  ///   - files: The opened model. Until the end only this object reads tensors of it.
  ///   - storage: How the linear layers are held.
  init(_ files: PretrainedFiles, _ storage: WeightStorage) {
    let outcome = Outcome()
    nonisolated(unsafe) let files = files
    self.outcome = outcome
    thread = Thread { outcome.load(files, storage) }
    // As much as the main thread has: kernels run on it.
    thread.stackSize = 8 << 20
    thread.start()
  }

  deinit {
    outcome.isAbandoned.store(true, ordering: .relaxed)
    outcome.waitForEnd()
  }

  /// The model, once it is read, and the seconds that reading took.
  ///
  /// - Throws: What is wrong with the weights.
  func wait() throws -> (model: CausalLM, seconds: Double) {
    outcome.waitForEnd()
    return (try outcome.result(), outcome.seconds)
  }

  private struct Abandoned: Error {}

  /// What the thread leaves behind. Sendable because the others look at it only after its end.
  private final class Outcome: @unchecked Sendable {
    let isAbandoned = Atomic(false)
    private let ended = DispatchGroup()
    private var model: Result<CausalLM, any Error>?
    private(set) var seconds = 0.0

    init() { ended.enter() }

    func load(_ files: PretrainedFiles, _ storage: WeightStorage) {
      let started = ContinuousClock.now
      model = Result {
        try CausalLM.load(files, storage: storage) { _ in
          if isAbandoned.load(ordering: .relaxed) { throw Abandoned() }
        }
      }
      seconds = started.duration(to: .now).seconds
      ended.leave()
    }

    func waitForEnd() { ended.wait() }

    func result() throws -> CausalLM {
      guard let model else { preconditionFailure("the weights are not read yet") }
      return try model.get()
    }
  }
}
