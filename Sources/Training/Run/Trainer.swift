import Formats
import Foundation
package import Recipes
import Model
import Text

/// Recipe → run: reads rows and base, trains the adapter, evaluates, saves.
///
/// Nothing about a run is in memory only for longer than one optimizer step: what step comes next is
/// a function of the recipe and the number of steps done, and the rest is in the checkpoint.
package final class Trainer {
  package enum Outcome: Sendable {
    /// The final adapter is at this path.
    case finished(adapter: String)
    /// Stopped on request; the checkpoint holds everything.
    case interrupted(checkpoint: String)
  }

  let recipe: Recipe
  let base: BasePlace
  let directory: RunDirectory
  let resume: Bool
  let onEvent: (TrainingEvent) -> Void
  let shouldStop: () -> Bool

  /// - Parameters:
  ///   - base: Where `model.path` leads, if that is no path but a name; nil: it is a path.
  ///   - resume: Continue the run in the output directory.
  ///   - onEvent: Gets everything worth telling, in order.
  ///   - shouldStop: Asked between micro-batches; true saves a checkpoint and ends the run.
  package init(
    recipe: Recipe, base: BasePlace? = nil, resume: Bool,
    onEvent: @escaping (TrainingEvent) -> Void,
    shouldStop: @escaping () -> Bool = { false }
  ) {
    self.recipe = recipe
    self.base = base ?? BasePlace(path: recipe.model.path)
    self.resume = resume
    self.onEvent = onEvent
    self.shouldStop = shouldStop
    directory = RunDirectory(recipe.output.directory)
  }

  /// What the run would do, without reading weights or writing anything.
  package func plan() throws -> TrainingPlan {
    ThreadCount.use(recipe.training.threads)
    let base = try OpenedModel(base, template: recipe.data.templateChoice)
    let data = try TrainingData(
      recipe: recipe, base: base, supply: RowSupply(recipe: recipe, onEvent: onEvent))
    for note in data.notes { onEvent(.note(note)) }
    for warning in data.warnings { onEvent(.warning(warning)) }
    let plan = try TrainingPlan(recipe: recipe, base: base, data: data)
    for warning in plan.warnings { onEvent(.warning(warning)) }
    _ = try checkStart()
    if let source = recipe.adapter.initFrom {
      _ = try TrainingRun.adapters(
        from: source, recipe: recipe, plan: plan, base: base, onEvent: onEvent)
    }
    return plan
  }

  /// What is in the output directory.
  ///
  /// - Throws: Where a run is there already that is not to be continued.
  private func checkStart() throws(Problem) -> RunDirectory.State {
    let state = try directory.state()
    guard state == .fresh || resume else {
      throw Problem(
        directory.path,
        "output.directory already holds a \(state == .finished ? "finished " : "")run; add --resume to "
          + "continue it, or name another directory")
    }
    return state
  }

  package func run() throws -> Outcome {
    ThreadCount.use(recipe.training.threads)
    let state = try checkStart()
    if state == .finished {
      onEvent(.note("\(directory.path): this run is finished; nothing is left to do"))
      return .finished(adapter: directory.adapter)
    }
    try directory.create()
    let lock = try RunLock(directory)
    defer { withExtendedLifetime(lock) {} }
    // With the lock held nobody else is writing here.
    try AtomicDirectory.removeLeftovers(in: directory.path, of: RunDirectory.names)
    try AtomicDirectory.removeLeftovers(in: directory.checkpoints)
    return try TrainingRun(trainer: self).run()
  }
}
