import CKernels

/// The products of adapters that have the rank as one of their dimensions. In bfloat16 the factors
/// A and B stay float32 and are rounded where they are used; gradients are float32 sums.
extension Kernels {
  /// Columns of a [T, R] tensor of type `type`: bfloat16 products take pairs, so R becomes even.
  package static func lowRankWidth(_ rank: Int, _ type: DataType) -> Int {
    type == .bfloat16 ? (rank + 1) / 2 * 2 : rank
  }

  /// out = scale · x factor', or scale · x factor where not `transposed`.
  ///
  /// - Parameters:
  ///   - x: float32 or bfloat16 [T, K]
  ///   - factor: float32 [R, K] where `transposed`, else [K, R]
  ///   - transposed: Which of the two.
  ///   - scale: Factor of the product.
  ///   - out: As `x`, [T, lowRankWidth(R)]; a column that R does not have becomes zero
  ///   - workspace: Lends scratch memory.
  package static func lowRankProject(
    x: Tensor, factor: Tensor, transposed: Bool, scale: Float, out: Tensor, workspace: Workspace
  ) {
    let span = KernelClock.begin(.adapters)
    defer { span.end() }
    let rank = factor.shape[transposed ? 0 : 1]
    let (tokens, width) = (x.shape[0], lowRankWidth(rank, x.dataType))
    out.requireCount(tokens * width, "low-rank out")
    if width != rank { out.fillWithZeros() }
    let term = ck_term(
      x, by: ck_operand(factor, transposed: transposed, scale: scale), columns: x.shape[1])
    products(
      rows: tokens, columns: rank, [term], into: ck_result(out, residual: nil, columns: width),
      workspace: workspace)
  }

  /// out = left factor.
  ///
  /// - Parameters:
  ///   - left: float32 or bfloat16 [T, lowRankWidth(R)]
  ///   - factor: float32 [R, K]
  ///   - out: As `left`, [T, K]
  ///   - workspace: Lends scratch memory.
  package static func lowRankExpand(
    left: Tensor, factor: Tensor, out: Tensor, workspace: Workspace
  ) {
    let span = KernelClock.begin(.adapters)
    defer { span.end() }
    let term = ck_term(LowRankTerm(left: left, factor: factor, scale: 1), transposed: false)
    products(
      rows: left.shape[0], columns: factor.shape[1], [term],
      into: ck_result(out, residual: nil, columns: factor.shape[1]), workspace: workspace)
  }

  /// gradient += scale · left' right, or its transpose: what adapters learn from.
  ///
  /// - Parameters:
  ///   - left: float32 or bfloat16 [T, lowRankWidth(R)]
  ///   - right: As `left`, [T, N]
  ///   - scale: Factor of the product.
  ///   - gradient: float32 [R, N], or [N, R] where `transposed`
  ///   - transposed: Which of the two.
  ///   - workspace: Lends scratch memory.
  package static func lowRankGradient(
    left: Tensor, right: Tensor, scale: Float, into gradient: Tensor, transposed: Bool,
    workspace: Workspace
  ) {
    let span = KernelClock.begin(.adapters)
    defer { span.end() }
    guard left.dataType == .bfloat16 else {
      matmul(
        a: transposed ? right : left, b: transposed ? left : right, out: gradient,
        transposeA: true, alpha: scale, accumulate: true, workspace: workspace)
      return
    }
    let (tokens, columns) = (right.shape[0], right.shape[1])
    let rank = gradient.shape[transposed ? 1 : 0]
    gradient.requireCount(rank * columns, "low-rank gradient")
    let width = left.rows(ofWidth: max(tokens, 1), "low-rank left")
    var product = ck_bf16_contraction(
      left: left.bf16, left_stride: width, right: right.bf16, T: tokens, R: rank, N: columns,
      scale: scale, out: gradient.f32, row: transposed ? 1 : columns,
      column: transposed ? rank : 1)
    let workers = threads
    let bytes = ck_bf16_contract_scratch(&product, workers)
    workspace.withScratch(byteCount: bytes) { ck_bf16_contract(&product, $0, workers) }
  }
}
