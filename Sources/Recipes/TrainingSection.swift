/// `training`: the optimizer's side.
package struct TrainingSection: RecipeSection {
  package static let help = "How long, how fast and in what portions the adapter learns."
  package init() {}

  @Key(
    "How often every row is seen.", .in(1...10_000), .elsewhere("num_epochs", "num_train_epochs"))
  package var epochs = 1

  @Key(
    "Ends training after this many optimizer steps, whatever epochs says; null leaves it to "
      + "epochs.",
    .in(1...1_000_000_000), .elsewhere("iters", "max_iters"))
  package var maxSteps: Int? = nil

  @Key(
    "Rows that go through the model together. With packing, a micro-batch has room for this many "
      + "rows of max_length tokens.", .in(1...65536),
    .elsewhere("per_device_train_batch_size", "batch_size", "train_batch_size"))
  package var microBatchSize = 4

  @Key(
    "Micro-batches whose gradients are summed for one optimizer step. The loss is divided by the "
      + "trained tokens of the whole step, so 4 × 2 equals 1 × 8.", .in(1...65536),
    .elsewhere("accumulate_grad_batches", "grad_accumulation_steps"))
  package var gradientAccumulationSteps = 4

  @Key(
    "What rows of a micro-batch have in common before their first trained token, such as a system "
      + "prompt or a document, is computed once for all of them: \"auto\" where that saves something, "
      + "with rows moved between the micro-batches of a step; \"grouped\" also keeps rows that begin "
      + "alike together when rows are shuffled; \"off\" never. Losses and gradients are the same up to "
      + "rounding.", .elsewhere("prefix_sharing", "share_prefix"))
  package var sharedPrefix = SharedPrefix.auto

  @Key("Peak learning rate of AdamW.", .above(0, upTo: 1), .elsewhere("lr"))
  package var learningRate = 2e-4

  @Key(
    "Course of the learning rate after the warm-up: \"constant\", or a fall to zero, \"linear\" or "
      + "along half a \"cosine\".", .elsewhere("lr_scheduler_type", "lr_schedule", "scheduler"))
  package var lrScheduler = Scheduler.cosine

  @Key(
    "Share of all steps, rounded up, in which the learning rate rises linearly from zero.",
    .in(0...1), .elsewhere("warmup_steps", "warmup"))
  package var warmupRatio = 0.03

  @Key("Decoupled weight decay of AdamW (arXiv:1711.05101).", .in(0...1))
  package var weightDecay = 0.0

  @Key("Decay of AdamW's first moment.", .in(0..<1), .elsewhere("beta1"))
  package var adamBeta1 = 0.9

  @Key("Decay of AdamW's second moment.", .in(0..<1), .elsewhere("beta2"))
  package var adamBeta2 = 0.999

  @Key("Keeps AdamW's division finite.", .in(1e-30...1), .elsewhere("epsilon", "eps"))
  package var adamEpsilon = 1e-8

  @Key(
    "Gradients with a larger global norm are scaled down to this one; 0 leaves them as they are.",
    .in(0...1e6),
    .elsewhere("gradient_clip_val", "clip_grad_norm", "grad_clip"))
  package var maxGradNorm = 1.0

  @Key(
    "Keeps only each layer's input and computes the rest again in the backward pass: much less "
      + "memory for about a third more time. The result is the same.",
    .freeOnResume, .elsewhere("activation_checkpointing", "grad_checkpoint"))
  package var gradientCheckpointing = false

  @Key(
    "Every random choice follows from it: adapter weights, order of rows, dropout.",
    .atLeast(0), .elsewhere("random_seed"))
  package var seed = 42

  @Key(
    "Processor threads; null uses all. The result has the same bits for any number.",
    .in(1...1024), .freeOnResume, .elsewhere("num_threads"))
  package var threads: Int? = nil
}

/// What becomes of tokens that rows begin with in common.
package enum SharedPrefix: String, RecipeChoice {
  case auto, grouped, off
}

/// How the learning rate moves after the warm-up.
package enum Scheduler: String, RecipeChoice {
  case constant, linear, cosine
}
