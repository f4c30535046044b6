import CKernels

/// How products are put together: every output is one sum over all its terms, made in float32 and, where
/// activations are bfloat16, rounded once.
extension Kernels {
  /// Tokens up to which reading the weight is the work: it is then not laid out anew.
  private static let mostMatvecTokens = 4

  /// result = the sum of the terms.
  static func products(
    rows: Int, columns: Int, _ terms: [ck_term], into result: ck_result, workspace: Workspace
  ) {
    precondition(
      terms.count <= 16
        && terms.allSatisfy { $0.left == nil || $0.K % 2 == 0 || $0.left_stride > $0.K },
      "products in bfloat16 take pairs: \(terms.map(\.K))")
    terms.withUnsafeBufferPointer { buffer in
      guard let terms = buffer.baseAddress else { return }
      let bytes = ck_products_scratch(columns, terms, buffer.count)
      workspace.withScratch(byteCount: bytes) { scratch in
        ck_products(rows, columns, terms, buffer.count, result, scratch)
      }
    }
  }

  /// out = x W' + bias + u B' + residual. A few tokens meet the weight as it lies in memory.
  static func linearProducts(
    x: Tensor, tokens: Int, weight: BaseWeight, bias: Tensor?, lowRank: LowRankTerm?,
    residual: Tensor?, out: Tensor, workspace: Workspace
  ) {
    let operand = weight.operand(for: x.dataType)
    let low = lowRank.map { ck_term($0, transposed: true) }
    guard tokens <= mostMatvecTokens else {
      let result = ck_result(out, residual: residual, bias: bias, columns: weight.outputs)
      let term = ck_term(x, by: operand, columns: weight.inputs)
      products(
        rows: tokens, columns: weight.outputs, [term] + (low.map { [$0] } ?? []), into: result,
        workspace: workspace)
      return
    }
    workspace.scope {
      let sums = workspace.tensor([tokens, weight.outputs])
      matvecs(x, tokens: tokens, weight: weight, operand: operand, out: sums, workspace: workspace)
      if let bias { ck_add_row(bias.f32, sums.f32, tokens, weight.outputs) }
      if let low {
        products(
          rows: tokens, columns: weight.outputs, [low],
          into: ck_result(sums, residual: sums, columns: weight.outputs), workspace: workspace)
      }
      if let residual { add(residual, into: sums) }
      convert(sums, into: out)
    }
  }

  private static func matvecs(
    _ x: Tensor, tokens: Int, weight: BaseWeight, operand: ck_operand, out: Tensor,
    workspace: Workspace
  ) {
    let (N, K) = (weight.outputs, weight.inputs)
    withUnsafePointer(to: operand) { operand in
      guard x.dataType == .bfloat16 else {
        for t in 0..<tokens { ck_float_matvec(x.f32 + t * K, operand, N, K, out.f32 + t * N) }
        return
      }
      workspace.withScratch(byteCount: ck_bf16_matvec_scratch(K)) { scratch in
        for t in 0..<tokens {
          ck_bf16_matvec(x.bf16 + t * K, operand, N, K, out.f32 + t * N, scratch)
        }
      }
    }
  }
}

extension ck_term {
  /// The product of x [T, columns] with `right`.
  init(_ x: Tensor, by right: ck_operand, columns: Int) {
    self.init()
    setLeft(x, stride: columns)
    K = columns
    self.right = right
  }

  /// In bfloat16 the left side of an odd rank has one column more, which is zero.
  init(_ term: LowRankTerm, transposed: Bool) {
    self.init()
    setLeft(term.left, stride: term.left.shape[1])
    K = term.factor.shape[transposed ? 1 : 0]
    right = ck_operand(term.factor, transposed: transposed, scale: term.scale)
  }

  private mutating func setLeft(_ x: Tensor, stride: Int) {
    left_stride = stride
    if x.dataType == .bfloat16 {
      left = UnsafePointer(x.bf16)
    } else {
      left_floats = UnsafePointer(x.f32)
    }
  }
}

extension ck_operand {
  /// An adapter's factor.
  init(_ factor: Tensor, transposed: Bool, scale: Float) {
    self.init()
    float32 = UnsafePointer(factor.f32)
    self.scale = scale
    stride = factor.shape[1]
    self.transposed = transposed
  }
}

extension ck_result {
  init(_ out: Tensor, residual: Tensor?, bias: Tensor? = nil, columns: Int) {
    self.init()
    stride = columns
    self.bias = bias.map { UnsafePointer($0.f32) }
    if out.dataType == .bfloat16 {
      precondition(residual == nil, "a residual is added to float32 results only")
      bfloat16 = out.bf16
    } else {
      float32 = out.f32
      self.residual = residual.map { UnsafePointer($0.f32) }
    }
  }
}

extension BaseWeight {
  /// The weight as the right operand of x W', x of the type `activations`; valid while `self` is.
  func operand(for activations: DataType) -> ck_operand {
    var operand = ck_operand()
    operand.stride = inputs
    operand.transposed = true
    operand.scale = 1
    switch (self, activations) {
    case (.bfloat16(let tensor), .bfloat16): operand.bfloat16 = UnsafePointer(tensor.bf16)
    case (.float32(let tensor), .float32): operand.float32 = UnsafePointer(tensor.f32)
    case (.nf4(let stored), _): operand.nf4 = stored.native
    case (.grouped(let stored), _): operand.grouped = stored.native
    default: preconditionFailure("a weight of another type than its activations")
    }
    return operand
  }
}
