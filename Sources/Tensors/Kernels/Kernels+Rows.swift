import CKernels

/// Some rows of a tensor, named by their places: int32 [L], ascending, each once; not checked here.
extension Kernels {
  /// out[i] = x[places[i]]
  ///
  /// - Parameters:
  ///   - x: [T, D], of any type
  ///   - out: [L, D] of the same type
  package static func gatherRows(_ x: Tensor, places: Tensor, out: Tensor) {
    let bytes = rowBytes(of: out, places, like: x)
    ck_gather_rows(x.pointer, places.i32, out.pointer, places.count, bytes)
  }

  /// out[places[i]] = x[i], and zeros in all other rows.
  ///
  /// - Parameters:
  ///   - x: [L, D], of any type
  ///   - out: [T, D] of the same type
  package static func scatterRows(_ x: Tensor, places: Tensor, out: Tensor) {
    let bytes = rowBytes(of: x, places, like: out)
    ck_scatter_rows(x.pointer, places.i32, places.count, out.pointer, out.byteCount / bytes, bytes)
  }

  /// out[places[i]] += x[i]
  ///
  /// - Parameters:
  ///   - x: float32 or bfloat16 [L, D]
  ///   - out: [T, D] of the same type
  package static func addRows(_ x: Tensor, places: Tensor, into out: Tensor) {
    let bytes = rowBytes(of: x, places, like: out)
    ck_add_to_rows(x.input, places.i32, out.output, places.count, bytes / x.dataType.size)
  }

  /// Bytes of a row of `some` [L, D], which `all` [T, D] has too.
  private static func rowBytes(of some: Tensor, _ places: Tensor, like all: Tensor) -> Int {
    let width = some.shape[some.shape.count - 1]
    some.requireCount(places.count * width, "selected rows")
    precondition(
      all.shape[all.shape.count - 1] == width && all.dataType == some.dataType
        && places.count <= all.count / max(width, 1),
      "rows \(some.shape) \(some.dataType) of \(all.shape) \(all.dataType)")
    return max(width, 1) * some.dataType.size
  }
}
