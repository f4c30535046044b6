import CKernels

extension Kernels {
  /// The label of a token that is not trained.
  package static let ignoredLabel = Int32(CK_IGNORED_LABEL)

  /// The output head and its loss in one. With logits z = hidden[t] W' + b, or c · tanh(z / c) of them
  /// where a soft cap c is given:
  ///
  ///     loss += Σ_t w_t (log Σ_v exp(z_v) - z_label)      over tokens that have a label
  ///     dHidden[t] = gradientScale · w_t (softmax(z) - onehot(label)) W
  ///
  /// Tokens labelled `ignoredLabel` cost nothing, and logits exist only for some tokens at a time.
  ///
  /// - Parameters:
  ///   - hidden: float32 or bfloat16 [T, D]
  ///   - weight: [V, D], frozen
  ///   - bias: b, float32 [V]; nil for none.
  ///   - labels: int32 [T], each in 0 ..< V or `ignoredLabel`; not checked here
  ///   - weights: w, float32 [T]; nil: every token counts 1.
  ///   - softCap: c; nil for none.
  ///   - gradientScale: One over the weight of all trained tokens of the optimizer step.
  ///   - loss: float64 [1], accumulated, not scaled
  ///   - dHidden: As `hidden`, *written* in every row; nil skips the gradient's work
  ///   - workspace: Lends scratch memory.
  package static func linearCrossEntropy(
    hidden: Tensor, weight: BaseWeight, bias: Tensor? = nil, labels: Tensor,
    weights: Tensor? = nil, softCap: Float? = nil, gradientScale: Double, loss: Tensor,
    dHidden: Tensor?, workspace: Workspace
  ) {
    let span = KernelClock.begin(.head)
    defer { span.end() }
    let tokens = hidden.rows(ofWidth: weight.inputs, "crossEntropy hidden")
    labels.requireCount(tokens, "crossEntropy labels")
    weights?.requireCount(tokens, "crossEntropy weights")
    bias?.requireCount(weight.outputs, "crossEntropy bias")
    loss.requireCount(1, "crossEntropy loss")
    dHidden?.requireCount(hidden.count, "crossEntropy dHidden")
    withUnsafePointer(to: weight.operand(for: hidden.dataType)) { operand in
      let (V, D) = (weight.outputs, weight.inputs)
      if hidden.dataType == .bfloat16 {
        var head = ck_bf16_linear_loss(
          hidden: hidden.bf16, weight: operand, bias: bias.map { UnsafePointer($0.f32) },
          labels: labels.i32, weights: weights.map { UnsafePointer($0.f32) },
          soft_cap: softCap ?? 0, gradient_scale: gradientScale, loss: loss.f64,
          dhidden: dHidden?.bf16, T: tokens, V: V, D: D)
        let bytes = ck_bf16_linear_cross_entropy_scratch(operand, tokens, V, D)
        workspace.withScratch(byteCount: bytes) { ck_bf16_linear_cross_entropy(&head, $0) }
      } else {
        var head = ck_linear_loss(
          hidden: hidden.f32, weight: operand, bias: bias.map { UnsafePointer($0.f32) },
          labels: labels.i32, weights: weights.map { UnsafePointer($0.f32) },
          soft_cap: softCap ?? 0, gradient_scale: gradientScale, loss: loss.f64,
          dhidden: dHidden?.f32, T: tokens, V: V, D: D)
        let bytes = ck_linear_cross_entropy_scratch(operand, tokens, V, D)
        workspace.withScratch(byteCount: bytes) { ck_linear_cross_entropy(&head, $0) }
      }
    }
  }

  /// Bytes of scratch that `linearCrossEntropy` with a gradient takes.
  package static func linearCrossEntropyScratch(
    tokens: Int, vocabulary: Int, width: Int, type: DataType
  ) -> Int {
    var operand = ck_operand()
    operand.stride = width
    operand.transposed = true
    return type == .bfloat16
      ? ck_bf16_linear_cross_entropy_scratch(&operand, tokens, vocabulary, width)
      : ck_linear_cross_entropy_scratch(&operand, tokens, vocabulary, width)
  }
}
