package import Formats

/// The output directory of a run and what stands where in it.
package struct RunDirectory: Sendable {
  package let path: String

  package init(_ path: String) { self.path = path }

  /// What a run writes into its directory; other files there are not its own.
  static let names = ["recipe.json", "run.json", "metrics.jsonl", "rows.jsonl", "adapter"]

  package var recipe: String { path + "/recipe.json" }
  package var run: String { path + "/run.json" }
  package var metrics: String { path + "/metrics.jsonl" }
  package var rows: String { path + "/rows.jsonl" }
  package var checkpoints: String { path + "/checkpoints" }
  package var adapter: String { path + "/adapter" }

  package enum State: Sendable, Equatable {
    /// Nothing of a run is here.
    case fresh
    /// A run began here and has no final adapter yet.
    case unfinished
    /// The final adapter is here.
    case finished
  }

  package func state() throws(Problem) -> State {
    if fileExists(path), !directoryExists(path) {
      throw Problem(path, "output.directory is a file; name a directory that does not exist yet")
    }
    if directoryExists(adapter) { return .finished }
    // An empty directory of checkpoints is what a start leaves that failed before the run began.
    let saved = directoryExists(checkpoints) ? try directoryEntries(checkpoints) : []
    let traces = [recipe, run, metrics, rows]
    return !saved.isEmpty || traces.contains { fileExists($0) } ? .unfinished : .fresh
  }

  package func create() throws(Problem) { try createDirectory(checkpoints) }
}
