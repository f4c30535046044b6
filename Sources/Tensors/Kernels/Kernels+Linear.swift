import CKernels

/// A low-rank part of a product: `scale · left factor'` or `scale · left factor`.
package struct LowRankTerm {
  /// [T, width], width as `Kernels.lowRankWidth` says.
  package let left: Tensor
  /// float32: B [N, R] in the forward pass, A [R, K] in the backward pass.
  package let factor: Tensor
  package let scale: Float

  package init(left: Tensor, factor: Tensor, scale: Float) {
    self.left = left
    self.factor = factor
    self.scale = scale
  }
}

/// The gradient that comes back from one linear layer: dOut W, and the adapter's part.
package struct LinearGradientTerm {
  package let dOut: Tensor  // [T, N]
  package let weight: BaseWeight  // [N, K]
  package let lowRank: LowRankTerm?

  package init(dOut: Tensor, weight: BaseWeight, lowRank: LowRankTerm? = nil) {
    self.dOut = dOut
    self.weight = weight
    self.lowRank = lowRank
  }
}

extension Kernels {
  /// out = x W' (+ bias) (+ u B') (+ residual). What is not float32 is expanded some megabytes at a time.
  ///
  /// - Parameters:
  ///   - x: float32 or bfloat16 [T, K]
  ///   - weight: [N, K]; float32 or NF4 for a float32 `x`, bfloat16 or NF4 for a bfloat16 one
  ///   - bias: float32 [N], added to every row
  ///   - lowRank: The adapter's part.
  ///   - residual: float32 [T, N], added to the product; only where `out` is float32
  ///   - out: As `x`, or float32; [T, N]
  ///   - workspace: Lends scratch memory.
  package static func linearForward(
    x: Tensor, weight: BaseWeight, bias: Tensor? = nil, lowRank: LowRankTerm? = nil,
    residual: Tensor? = nil, out: Tensor, workspace: Workspace
  ) {
    let span = KernelClock.begin(.linearForward)
    defer { span.end() }
    let tokens = x.rows(ofWidth: weight.inputs, "linear x")
    out.requireCount(tokens * weight.outputs, "linear out")
    residual?.requireCount(out.count, "linear residual")
    bias?.requireCount(weight.outputs, "linear bias")
    linearProducts(
      x: x, tokens: tokens, weight: weight, bias: bias, lowRank: lowRank, residual: residual,
      out: out, workspace: workspace)
  }

  /// dX = the sum of dOut W (+ v A) over layers that share their input. The weights are frozen.
  ///
  /// - Parameters:
  ///   - terms: One for each layer.
  ///   - dX: As the terms' `dOut`; [T, K], written
  ///   - workspace: Lends scratch memory.
  package static func linearBackward(
    _ terms: [LinearGradientTerm], into dX: Tensor, workspace: Workspace
  ) {
    let span = KernelClock.begin(.linearBackward)
    defer { span.end() }
    guard let inputs = terms.first?.weight.inputs else { return dX.fillWithZeros() }
    let tokens = dX.rows(ofWidth: inputs, "linear dX")
    for term in terms {
      precondition(term.weight.inputs == inputs, "layers with different inputs")
      term.dOut.requireCount(tokens * term.weight.outputs, "linear dOut")
    }
    let products = terms.flatMap { term in
      var operand = term.weight.operand(for: dX.dataType)
      operand.transposed = false
      let product = ck_term(term.dOut, by: operand, columns: term.weight.outputs)
      return [product] + (term.lowRank.map { [ck_term($0, transposed: false)] } ?? [])
    }
    self.products(
      rows: tokens, columns: inputs, products, into: ck_result(dX, residual: nil, columns: inputs),
      workspace: workspace)
  }

  /// out = alpha · op(a) op(b), or += where `accumulate`; op transposes where asked. For the small
  /// products of adapters; every shape is legal, empty ones too.
  ///
  /// - Parameters:
  ///   - a: float32, two dimensions
  ///   - b: float32, two dimensions
  ///   - out: float32 [rows of op(a), columns of op(b)]
  ///   - transposeA: Whether op(a) is a'.
  ///   - transposeB: Whether op(b) is b'.
  ///   - alpha: Factor of the product.
  ///   - accumulate: Whether to add to `out`.
  ///   - workspace: Lends scratch memory.
  package static func matmul(
    a: Tensor, b: Tensor, out: Tensor, transposeA: Bool = false, transposeB: Bool = false,
    alpha: Float = 1, accumulate: Bool = false, workspace: Workspace
  ) {
    precondition(
      a.shape.count == 2 && b.shape.count == 2 && out.shape.count == 2,
      "matmul of \(a.shape) and \(b.shape) to \(out.shape)")
    let (rows, inner) = transposeA ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
    let (innerB, columns) = transposeB ? (b.shape[1], b.shape[0]) : (b.shape[0], b.shape[1])
    precondition(
      inner == innerB && out.shape == [rows, columns],
      "matmul of \(a.shape)\(transposeA ? "'" : "") and \(b.shape)\(transposeB ? "'" : "") "
        + "to \(out.shape)")
    var product = ck_float_product(
      M: rows, N: columns, K: inner, alpha: alpha,
      a: ck_matrix(data: a.f32, stride: a.shape[1], transposed: transposeA),
      b: ck_matrix(data: b.f32, stride: b.shape[1], transposed: transposeB),
      c: out.f32, c_stride: columns, accumulate: accumulate)
    ck_matmul(&product)
  }
}
