import CKernels

/// Mixtures of experts (Shazeer et al. 2017, arXiv:1701.06538): the choice of experts, and rows with a
/// weight each.
extension Kernels {
  /// The most experts that a layer may have.
  package static let mostExperts = Int(CK_MOST_EXPERTS)

  /// The k experts with the largest logits, the largest first, and their weights: softmax over all
  /// experts, divided by the sum of the chosen ones where `normalize`.
  ///
  /// - Parameters:
  ///   - probabilities: float32 [T, experts], logits, which become their softmax.
  ///   - choices: int32 [T, k], overwritten.
  ///   - weights: float32 [T, k], overwritten.
  package static func route(
    _ probabilities: Tensor, normalize: Bool, choices: Tensor, weights: Tensor
  ) {
    let (tokens, experts, chosen) = routingSizes(probabilities, choices, weights)
    ck_route(
      ck_routing(
        probabilities: probabilities.f32, choices: choices.i32, weights: weights.f32, T: tokens,
        experts: experts, chosen: chosen, normalize: normalize))
  }

  /// The gradient of the logits of that of the weights. The choice itself has none.
  ///
  /// - Parameters:
  ///   - dWeights: float32 [T, k]
  ///   - probabilities: As `route` left them, and so are choices and weights.
  ///   - dLogits: float32 [T, experts], overwritten.
  package static func routeBackward(
    dWeights: Tensor, probabilities: Tensor, normalize: Bool, choices: Tensor, weights: Tensor,
    dLogits: Tensor
  ) {
    let (tokens, experts, chosen) = routingSizes(probabilities, choices, weights)
    dWeights.requireCount(weights.count, "route dWeights")
    dLogits.requireCount(probabilities.count, "route dLogits")
    ck_route_backward(
      ck_routing_gradient(
        probabilities: probabilities.f32, weights: weights.f32, dweights: dWeights.f32,
        choices: choices.i32, dlogits: dLogits.f32, T: tokens, experts: experts, chosen: chosen,
        normalize: normalize))
  }

  private static func routingSizes(
    _ probabilities: Tensor, _ choices: Tensor, _ weights: Tensor
  ) -> (tokens: Int, experts: Int, chosen: Int) {
    let (tokens, experts) = (probabilities.shape[0], probabilities.shape[1])
    let chosen = choices.shape[1]
    precondition(
      chosen > 0 && chosen <= experts && experts <= mostExperts,
      "\(chosen) of \(experts) experts, of at most \(mostExperts)")
    choices.requireCount(tokens * chosen, "route choices")
    weights.requireCount(tokens * chosen, "route weights")
    return (tokens, experts, chosen)
  }

  /// Row t of `out` = factors[t] · row t of `x`.
  ///
  /// - Parameters:
  ///   - x: float32 or bfloat16 [T, D]
  ///   - factors: float32 [T]
  ///   - out: float32 or bfloat16 [T, D]; may be `x` itself
  package static func scaleRows(_ x: Tensor, by factors: Tensor, into out: Tensor) {
    out.requireCount(x.count, "scaleRows out")
    let width = x.shape[1]
    factors.requireCount(x.rows(ofWidth: width, "scaleRows x"), "scaleRows factors")
    ck_scale_rows(
      ck_row_factors(
        x: x.input, factors: factors.f32, out: out.output, T: factors.count, D: width))
  }

  /// out[t] = Σ x[t] · y[t] of each row.
  ///
  /// - Parameters:
  ///   - x: float32 or bfloat16 [T, D]
  ///   - y: float32 or bfloat16 [T, D]
  ///   - out: float32 [T]
  package static func rowDots(_ x: Tensor, _ y: Tensor, out: Tensor) {
    x.requireSameShape(y, "rowDots x and y")
    let rows = x.rows(ofWidth: x.shape[1], "rowDots x")
    out.requireCount(rows, "rowDots out")
    ck_row_dot(ck_row_dots(x: x.input, y: y.input, out: out.f32, T: rows, D: x.shape[1]))
  }
}
