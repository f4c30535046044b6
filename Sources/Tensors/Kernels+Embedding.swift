extension Kernels {
  /// out[t] = weight[ids[t]]
  ///
  /// - Parameters:
  ///   - ids: int32 [T], each below V
  ///   - weight: float32 [V, D]
  ///   - out: float32 [T, D]
  package static func embedding(ids: Tensor, weight: Tensor, out: Tensor) {
    fatalError("not built yet")
  }
}
