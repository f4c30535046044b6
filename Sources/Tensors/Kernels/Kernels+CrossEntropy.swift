import CKernels

extension Kernels {
  /// The label of a token that is not trained.
  package static let ignoredLabel = Int32(CK_IGNORED_LABEL)

  /// The output head and its loss in one. With logits z = hidden[t] W':
  ///
  ///     loss += Σ_t (log Σ_v exp(z_v) - z_label)      over tokens that have a label
  ///     dHidden[t] = gradientScale · (softmax(z) - onehot(label)) W
  ///
  /// Tokens labelled `ignoredLabel` cost nothing, and logits exist only for some tokens at a time.
  ///
  /// - Parameters:
  ///   - hidden: float32 or bfloat16 [T, D]
  ///   - weight: [V, D], frozen
  ///   - labels: int32 [T], in 0 ..< V or `ignoredLabel`
  ///   - gradientScale: One over the number of trained tokens of the whole optimizer step.
  ///   - loss: float64 [1], accumulated, not scaled
  ///   - dHidden: As `hidden`, *written* in every row; nil skips the gradient's work
  ///   - workspace: Lends scratch memory.
  package static func linearCrossEntropy(
    hidden: Tensor, weight: BaseWeight, labels: Tensor, gradientScale: Double,
    loss: Tensor, dHidden: Tensor?, workspace: Workspace
  ) {
    let span = KernelClock.begin(.head)
    defer { span.end() }
    let tokens = hidden.rows(ofWidth: weight.inputs, "crossEntropy hidden")
    labels.requireCount(tokens, "crossEntropy labels")
    loss.requireCount(1, "crossEntropy loss")
    dHidden?.requireCount(hidden.count, "crossEntropy dHidden")
    requireLabels(labels, below: weight.outputs)
    if hidden.dataType == .bfloat16 {
      var operand = weight.operand
      let (words, width) = (weight.outputs, weight.inputs)
      let bytes = ck_bf16_linear_cross_entropy_scratch(&operand, tokens, words, width)
      workspace.withScratch(byteCount: bytes) { scratch in
        ck_bf16_linear_cross_entropy(
          hidden.bf16, &operand, labels.i32, gradientScale, loss.f64, dHidden?.bf16, tokens, words,
          width, scratch)
      }
      return
    }
    let workers = threads
    var native = weight.native
    let bytes = ck_linear_cross_entropy_scratch(&native, tokens, dHidden != nil, workers)
    workspace.withScratch(byteCount: bytes) { scratch in
      ck_linear_cross_entropy(
        hidden.f32, &native, labels.i32, gradientScale, loss.f64, dHidden?.f32, tokens, scratch,
        workers)
    }
  }

  /// Bytes of scratch that `linearCrossEntropy` with a gradient takes.
  package static func linearCrossEntropyScratch(
    tokens: Int, vocabulary: Int, width: Int, type: DataType
  ) -> Int {
    if type == .bfloat16 {
      var operand = ck_operand()
      operand.stride = width
      operand.transposed = true
      return ck_bf16_linear_cross_entropy_scratch(&operand, tokens, vocabulary, width)
    }
    var weight = ck_weight()
    weight.N = vocabulary
    weight.K = width
    return ck_linear_cross_entropy_scratch(&weight, tokens, true, threads)
  }

  private static func requireLabels(_ labels: Tensor, below vocabulary: Int) {
    let labels = UnsafeBufferPointer(start: labels.i32, count: labels.count)
    let known = labels.allSatisfy { $0 == ignoredLabel || (0..<vocabulary).contains(Int($0)) }
    precondition(known, "a label is neither \(ignoredLabel) nor in 0 ..< \(vocabulary)")
  }
}
