/// `evaluation`: measuring on held-out rows while training.
package struct EvaluationSection: RecipeSection {
  package static let help = "Measuring on the held-out rows while training."
  package init() {}

  @Key(
    "Evaluates every so many optimizer steps, besides before the first and after the last; null or "
      + "0 only then.", .atLeast(0), .freeOnResume, .elsewhere("eval_steps", "steps_per_eval"))
  package var everySteps: Int? = 50

  /// Steps between evaluations; nil where there are none along the way.
  package var interval: Int? { everySteps.flatMap { $0 > 0 ? $0 : nil } }
}

/// `checkpoint`: what a run can be resumed from.
package struct CheckpointSection: RecipeSection {
  package static let help = "Saving everything that `train --resume` needs."
  package init() {}

  @Key(
    "Saves a checkpoint every so many optimizer steps, besides after the last; null or 0 only then.",
    .atLeast(0), .freeOnResume, .elsewhere("save_steps", "steps_per_save"))
  package var everySteps: Int? = 50

  @Key(
    "Newest checkpoints that stay on disk.", .in(1...10000), .freeOnResume,
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
