import Model
import Recipes
import Rows
import Tensors
import Training

/// A run as a person sees it: what it is about to do, a line that moves while it does it, and what to
/// do with the result.
final class TrainingDisplay {
  private let recipe: Recipe
  private let terminal: Terminal
  private let progress: ProgressLine
  private var history = LossHistory()
  private var evaluations: [EvaluationMetrics] = []
  private var adapterPath: String?
  private let started = ContinuousClock.now
  private let reading: RowProgress

  init(recipe: Recipe, terminal: Terminal) {
    self.recipe = recipe
    self.terminal = terminal
    progress = ProgressLine(terminal)
    reading = RowProgress("read", terminal: terminal)
  }

  func show(_ event: TrainingEvent) {
    if case .rows = event {} else { reading.finish() }
    switch event {
    case .started(let summary):
      show(summary.plan, threads: summary.threads, resumedFrom: summary.resumedFrom)
    case .rows(let rows): reading.update(rows)
    case .step(let step):
      history.add(step)
      progress.update(step)
    case .evaluation(let evaluation):
      evaluations.append(evaluation)
      progress.announce(
        "held out   step \(evaluation.step)  loss \(NumberText.fixed(evaluation.loss, 4))  "
          + "perplexity \(NumberText.fixed(evaluation.perplexity, 2))")
      for source in evaluation.sources {
        progress.announce(
          terminal.dim(
            "           \(source.name)  loss \(NumberText.fixed(source.loss, 4))  "
              + "perplexity \(NumberText.fixed(source.perplexity, 2))"))
      }
    case .checkpoint(let path, _):
      progress.announce(terminal.dim("saved      \(path)"))
    case .phase: break
    case .note(let text):
      progress.announce(terminal.dim(text))
    case .warning(let text):
      progress.announce(terminal.yellow("warning: ") + text)
    case .finished(let adapter, _):
      adapterPath = adapter
      progress.clear()
    }
  }

  /// What `--dry-run` prints.
  func show(_ plan: TrainingPlan) {
    show(plan, threads: nil, resumedFrom: nil)
    terminal.write("dry run: recipe, rows and model fit together; nothing was trained\n")
  }

  // MARK: Before

  private func show(_ plan: TrainingPlan, threads: Int?, resumedFrom: String?) {
    progress.clear()
    var lines = LabelledLines()
    let quantization = recipe.model.quantization.map { " in \($0.rawValue)" } ?? ""
    lines.add("model", recipe.model.path + quantization)
    if let weights = plan.weights { lines.add("weights", weights) }
    lines.add(
      "adapter",
      "\(recipe.adapter.type.rawValue) rank \(recipe.adapter.rank) on \(plan.targets.count) layers, "
        + "\(NumberText.short(plan.trainedParameters)) parameters to train")
    lines.add("rows", rows(plan))
    lines.add(
      "tokens",
      "\(NumberText.grouped(plan.tokensPerEpoch)) an epoch, "
        + "\(NumberText.grouped(plan.trainedTokensPerEpoch)) of them trained")
    addShared(plan.tokensPerEpoch, computed: plan.computedTokensPerEpoch, "need no", to: &lines)
    lines.add("steps", steps(plan))
    lines.add(
      "memory",
      "about \(NumberText.bytes(plan.memory.total)): base \(NumberText.bytes(plan.memory.base)), "
        + "activations \(NumberText.bytes(plan.memory.activations)), "
        + "adapter and optimizer \(NumberText.bytes(plan.memory.adapter))")
    if let threads { lines.add("threads", "\(threads)") }
    lines.add("output", recipe.output.directory)
    if let resumedFrom { lines.add("resumed", "from \(resumedFrom)") }
    terminal.write("\n" + lines.text(on: terminal) + "\n")
  }

  /// What is saved where rows begin with the same tokens; no line where nothing is.
  private func addShared(
    _ tokens: Int, computed: Int, _ verb: String, to lines: inout LabelledLines
  ) {
    guard computed < tokens else { return }
    lines.add(
      "shared",
      "\(NumberText.fixed(100 * Double(tokens - computed) / Double(tokens), 0)) % of the tokens \(verb) "
        + "computing: rows of a micro-batch begin with the same tokens, computed once")
  }

  private func rows(_ plan: TrainingPlan) -> String {
    var parts = ["\(NumberText.grouped(plan.trainRows)) to learn from"]
    if plan.rowsPerEpoch != plan.trainRows {
      parts.append("\(NumberText.grouped(plan.rowsPerEpoch)) of them or again in an epoch")
    }
    if plan.validationRows > 0 {
      parts.append("\(NumberText.grouped(plan.validationRows)) held out")
    }
    if plan.droppedRows > 0 { parts.append("\(NumberText.grouped(plan.droppedRows)) left out") }
    if plan.truncatedRows > 0 { parts.append("\(NumberText.grouped(plan.truncatedRows)) cut") }
    let listed = plan.droppedRows + plan.truncatedRows > 0
    return parts.joined(separator: ", ") + (listed ? " (listed in rows.jsonl)" : "")
  }

  private func steps(_ plan: TrainingPlan) -> String {
    let training = recipe.training
    let length =
      training.maxSteps == nil
      ? " in \(training.epochs) \(training.epochs == 1 ? "epoch" : "epochs")" : ""
    return NumberText.grouped(plan.totalSteps) + length
  }

  // MARK: After

  func showEnd() {
    progress.clear()
    guard let adapterPath, let last = history.last else { return }
    var lines = LabelledLines()
    let seconds = started.duration(to: .now).seconds
    lines.add(
      "done",
      "\(history.count) steps in \(NumberText.duration(seconds)), peak memory "
        + NumberText.bytes(last.peakRSSBytes))
    lines.add("loss", history.curve)
    addShared(
      history.tokens.rows, computed: history.tokens.computed, "needed no", to: &lines)
    if let first = evaluations.first, let last = evaluations.last, first.step != last.step {
      lines.add(
        "held out",
        "perplexity \(NumberText.fixed(first.perplexity, 2)) → "
          + "\(NumberText.fixed(last.perplexity, 2)) "
          + "(\(NumberText.change(from: first.perplexity, to: last.perplexity)))")
    }
    lines.add("adapter", terminal.bold(adapterPath))
    terminal.write("\n" + lines.text(on: terminal) + "\n" + nextCommands(adapter: adapterPath))
  }

  private func nextCommands(adapter: String) -> String {
    let model = "--model \(shellQuoted(recipe.model.path)) --adapter \(shellQuoted(adapter))"
    var commands: [String] = []
    if let held = recipe.data.validation.first {
      commands.append(
        "finetune eval \(model) --data \(shellQuoted(held.path)) --format \(held.format.rawValue)")
    }
    commands.append("finetune generate \(model) --prompt '…'")
    var directory = recipe.output.directory
    while directory.count > 1, directory.hasSuffix("/") { directory.removeLast() }
    commands.append("finetune merge \(model) --output \(shellQuoted(directory + "-merged"))")
    return "Next:\n" + commands.map { "  \($0)\n" }.joined()
  }

  func showInterruption(checkpoint: String, command: String) {
    progress.clear()
    terminal.write(
      "interrupted; everything is saved in \(checkpoint)\nContinue with:\n  \(command)\n")
  }
}
