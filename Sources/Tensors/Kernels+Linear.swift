import CKernels

extension Kernels {
  /// out = x W'. An NF4 weight is expanded a few megabytes at a time.
  ///
  /// - Parameters:
  ///   - x: float32 [T, K]
  ///   - weight: [N, K]
  ///   - out: float32 [T, N]
  ///   - workspace: Lends scratch memory.
  package static func linearForward(
    x: Tensor, weight: BaseWeight, out: Tensor, workspace: Workspace
  ) {
    let tokens = x.rows(ofWidth: weight.inputs, "linear x")
    out.requireCount(tokens * weight.outputs, "linear out")
    var native = weight.native
    workspace.withScratch(byteCount: ck_linear_scratch(&native)) { scratch in
      ck_linear_forward(x.f32, &native, out.f32, tokens, scratch)
    }
  }

  /// dX += dOut W. The weight is frozen.
  ///
  /// - Parameters:
  ///   - dOut: float32 [T, N]
  ///   - weight: [N, K]
  ///   - dX: float32 [T, K], accumulated
  ///   - workspace: Lends scratch memory.
  package static func linearBackward(
    dOut: Tensor, weight: BaseWeight, into dX: Tensor, workspace: Workspace
  ) {
    let tokens = dX.rows(ofWidth: weight.inputs, "linear dX")
    dOut.requireCount(tokens * weight.outputs, "linear dOut")
    var native = weight.native
    workspace.withScratch(byteCount: ck_linear_scratch(&native)) { scratch in
      ck_linear_backward(dOut.f32, &native, dX.f32, tokens, scratch)
    }
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
    let left = ck_matrix(data: a.f32, stride: a.shape[1], transposed: transposeA)
    let right = ck_matrix(data: b.f32, stride: b.shape[1], transposed: transposeB)
    ck_matmul(rows, columns, inner, alpha, left, right, out.f32, columns, accumulate)
  }
}

extension BaseWeight {
  /// Pointers for the kernels; valid while `self` is.
  var native: ck_weight {
    var weight = ck_weight()
    weight.N = outputs
    weight.K = inputs
    switch self {
    case .float32(let tensor): weight.float32 = UnsafePointer(tensor.f32)
    case .nf4(let stored): weight.nf4 = stored.native
    }
    return weight
  }
}
