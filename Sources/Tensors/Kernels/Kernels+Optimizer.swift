import CKernels

extension Kernels {
  /// One step of AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101) in the order of operations of
  /// PyTorch. All tensors are float32 and of one shape.
  ///
  /// - Parameters:
  ///   - parameter: Updated.
  ///   - gradient: Read; taken times `gradientScale`.
  ///   - firstMoment: Updated.
  ///   - secondMoment: Updated.
  ///   - learningRate: Step size.
  ///   - beta1: Decay of the first moment.
  ///   - beta2: Decay of the second moment.
  ///   - epsilon: Added to the root of the second moment.
  ///   - weightDecay: Decoupled weight decay, times the learning rate.
  ///   - step: Of this update, from 1.
  ///   - gradientScale: The coefficient of clipping by norm.
  package static func adamW(
    parameter: Tensor, gradient: Tensor, firstMoment: Tensor, secondMoment: Tensor,
    learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double,
    step: Int, gradientScale: Double
  ) {
    let span = KernelClock.begin(.optimizer)
    defer { span.end() }
    precondition(step >= 1, "AdamW step \(step)")
    for tensor in [gradient, firstMoment, secondMoment] {
      parameter.requireSameShape(tensor, "AdamW")
    }
    var options = ck_adamw(
      learning_rate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
      weight_decay: weightDecay, gradient_scale: gradientScale, step: UInt64(step))
    ck_adamw_step(
      parameter.f32, gradient.f32, firstMoment.f32, secondMoment.f32, &options, parameter.count)
  }

  /// The sum of the squares of all elements, added in double precision in the order of the tensors.
  ///
  /// - Parameters:
  ///   - tensors: float32, any shapes
  ///   - out: float64 [1], written
  package static func sumOfSquares(_ tensors: [Tensor], out: Tensor) {
    let span = KernelClock.begin(.optimizer)
    defer { span.end() }
    out.requireCount(1, "sumOfSquares out")
    var sum = 0.0
    for tensor in tensors { sum += ck_sum_of_squares(tensor.f32, tensor.count) }
    out.f64[0] = sum
  }
}
