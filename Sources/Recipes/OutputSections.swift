/// `evaluation`: measuring on held-out rows while training.
package struct EvaluationSection: RecipeSection {
  package static let help = "Measuring on the held-out rows while training."
  package init() {}

  @Key(
    "Optimizer steps from one evaluation to the next. One always comes before the first step and "
      + "one after the last; null or 0 makes only these.",
    .atLeast(0), .freeOnResume, .elsewhere("eval_steps", "steps_per_eval"))
  package var everySteps: Int? = 50

  /// Steps between evaluations; nil where there are none along the way.
  package var interval: Int? { everySteps.flatMap { $0 > 0 ? $0 : nil } }
}

/// `checkpoint`: what a run can be resumed from.
package struct CheckpointSection: RecipeSection {
  package static let help = "Saving everything that `train --resume` needs."
  package init() {}

  @Key(
    "Optimizer steps from one checkpoint to the next. One is always saved after the last step; "
      + "null or 0 saves only this one.",
    .atLeast(0), .freeOnResume, .elsewhere("save_steps", "steps_per_save"))
  package var everySteps: Int? = 50

  @Key(
    "How many checkpoints stay on disk: the newest ones.", .in(1...10000), .freeOnResume,
    .elsewhere("save_total_limit", "keep_last_n_checkpoints"))
  package var keep = 3

  /// Steps between checkpoints; nil where there are none along the way.
  package var interval: Int? { everySteps.flatMap { $0 > 0 ? $0 : nil } }
}

/// `output`: where the run is written.
package struct OutputSection: RecipeSection {
  package static let help = "Where the run is written."
  package init() {}

  @Key(
    "Directory of the run: metrics, checkpoints and the final adapter. A run that is there already "
      + "is never overwritten.", .required, .freeOnResume, .elsewhere("output_dir"))
  package var directory = ""
}
