import CKernels

extension Kernels {
  /// Looks up rows: out[t] = weight[ids[t]].
  ///
  /// - Parameters:
  ///   - ids: int32 [T], each in 0 ..< V; not checked here
  ///   - weight: float32 or bfloat16 [V, D]
  ///   - out: float32 [T, D]
  package static func embedding(ids: Tensor, weight: Tensor, out: Tensor) {
    precondition(weight.shape.count == 2, "embedding weight \(weight.shape)")
    let width = weight.shape[1]
    out.requireCount(ids.count * width, "embedding out")
    switch weight.dataType {
    case .bfloat16: ck_bf16_embedding(ids.i32, weight.bf16, out.f32, ids.count, width)
    default: ck_embedding(ids.i32, weight.f32, out.f32, ids.count, width)
    }
  }
}
