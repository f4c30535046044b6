import CKernels

/// How products in bfloat16 are put together: every output is one sum over all its terms, made in
/// float32 and rounded once.
extension Kernels {
  /// Tokens up to which reading the weight is the work: it is then not laid out anew.
  private static let mostMatvecTokens = 4

  static func bf16LinearForward(
    x: Tensor, tokens: Int, weight: BaseWeight, bias: Tensor?, lowRank: LowRankTerm?,
    residual: Tensor?, out: Tensor, workspace: Workspace
  ) {
    let result = ck_result(out, residual: residual, bias: bias, columns: weight.outputs)
    let low = lowRank.map { ck_term($0, transposed: true) }
    guard tokens <= mostMatvecTokens else {
      let term = ck_term(x, by: weight.operand, columns: weight.inputs)
      bf16Product(
        rows: tokens, columns: weight.outputs, [term] + (low.map { [$0] } ?? []), into: result,
        workspace: workspace)
      return
    }
    workspace.scope {
      let sums = workspace.tensor([tokens, weight.outputs])
      var operand = weight.operand
      workspace.withScratch(byteCount: ck_bf16_matvec_scratch(weight.inputs)) { scratch in
        for t in 0..<tokens {
          ck_bf16_matvec(
            x.bf16 + t * weight.inputs, &operand, weight.outputs, weight.inputs,
            sums.f32 + t * weight.outputs, scratch)
        }
      }
      if let bias { ck_add_row(bias.f32, sums.f32, tokens, weight.outputs) }
      if let low {
        bf16Product(
          rows: tokens, columns: weight.outputs, [low],
          into: ck_result(sums, residual: sums, columns: weight.outputs), workspace: workspace)
      }
      if let residual { add(residual, into: sums) }
      convert(sums, into: out)
    }
  }

  static func bf16LinearBackward(
    _ terms: [LinearGradientTerm], tokens: Int, inputs: Int, into dX: Tensor, workspace: Workspace
  ) {
    let native = terms.flatMap { term in
      var operand = term.weight.operand
      operand.transposed = false
      let product = ck_term(term.dOut, by: operand, columns: term.weight.outputs)
      return [product] + (term.lowRank.map { [ck_term($0, transposed: false)] } ?? [])
    }
    bf16Product(
      rows: tokens, columns: inputs, native, into: ck_result(dX, residual: nil, columns: inputs),
      workspace: workspace)
  }

  /// result = the sum of the terms.
  static func bf16Product(
    rows: Int, columns: Int, _ terms: [ck_term], into result: ck_result, workspace: Workspace
  ) {
    precondition(
      terms.count <= 16 && terms.allSatisfy { $0.K % 2 == 0 || $0.left_stride > $0.K },
      "products in bfloat16 take pairs: \(terms.map(\.K))")
    terms.withUnsafeBufferPointer { buffer in
      guard let terms = buffer.baseAddress else { return }
      let bytes = ck_bf16_matmul_scratch(columns, terms, buffer.count)
      workspace.withScratch(byteCount: bytes) { scratch in
        ck_bf16_matmul(rows, columns, terms, buffer.count, result, scratch)
      }
    }
  }
}

extension ck_term {
  /// The product of x [T, columns] with `right`.
  init(_ x: Tensor, by right: ck_operand, columns: Int) {
    self.init(left: x.bf16, left_stride: columns, K: columns, right: right)
  }

  /// Of an odd rank the left side has one column more, which is zero.
  init(_ term: LowRankTerm, transposed: Bool) {
    let rank = term.factor.shape[transposed ? 1 : 0]
    let right = ck_operand(term.factor, transposed: transposed, scale: term.scale)
    self.init(left: term.left.bf16, left_stride: term.left.shape[1], K: rank, right: right)
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
  /// The weight as the right operand of x W'; valid while `self` is.
  var operand: ck_operand {
    var operand = ck_operand()
    operand.stride = inputs
    operand.transposed = true
    switch self {
    case .bfloat16(let tensor): operand.bfloat16 = UnsafePointer(tensor.bf16)
    case .nf4(let stored): operand.nf4 = stored.native
    case .float32: preconditionFailure("a float32 weight in a bfloat16 product")
    }
    return operand
  }
}
