import CKernels

/// Columns of a tensor in blocks of equal width, such as the heads of a projection.
extension Kernels {
  /// Block i of each row of `out` = block `blocks[i]` of the row of `x`.
  ///
  /// - Parameters:
  ///   - x: [T, N · width], of any type
  ///   - blocks: The places of the blocks in `x`.
  ///   - out: [T, blocks.count · width] of the same type
  package static func gatherColumns(_ x: Tensor, blocks: [Int32], out: Tensor) {
    copyColumns(of: x, to: out, width: out.shape[1] / max(blocks.count, 1), from: blocks, to: nil)
  }

  /// Block `blocks[i]` of each row of `out` = block i of the row of `x`; other blocks stay.
  ///
  /// - Parameters:
  ///   - x: [T, blocks.count · width], of any type
  ///   - blocks: The places of the blocks in `out`.
  ///   - out: [T, N · width] of the same type
  package static func scatterColumns(_ x: Tensor, blocks: [Int32], out: Tensor) {
    copyColumns(of: x, to: out, width: x.shape[1] / max(blocks.count, 1), from: nil, to: blocks)
  }

  /// out = x'.
  ///
  /// - Parameters:
  ///   - x: float32 [rows, columns]
  ///   - out: float32 [columns, rows], another tensor than `x`
  package static func transpose(_ x: Tensor, into out: Tensor) {
    precondition(
      x.shape.count == 2 && out.shape == x.shape.reversed() && x !== out,
      "transpose \(x.shape) into \(out.shape)")
    ck_transpose(x.f32, x.shape[0], x.shape[1], out.f32)
  }

  private static func copyColumns(
    of x: Tensor, to out: Tensor, width: Int, from: [Int32]?, to places: [Int32]?
  ) {
    let (few, many) = from == nil ? (x, out) : (out, x)
    let blocks = from ?? places ?? []
    precondition(
      x.dataType == out.dataType && x.shape[0] == out.shape[0]
        && few.shape[1] == width * blocks.count
        && blocks.allSatisfy { $0 >= 0 && (Int($0) + 1) * width <= many.shape[1] },
      "columns \(x.shape) \(x.dataType) to \(out.shape) \(out.dataType) in blocks of \(width)")
    let size = x.dataType.size
    func run(_ from: UnsafePointer<Int32>?, _ to: UnsafePointer<Int32>?) {
      ck_copy_columns(
        ck_column_blocks(
          x: x.pointer, out: out.pointer, x_row_bytes: x.shape[1] * size,
          out_row_bytes: out.shape[1] * size, block_bytes: width * size, from: from, to: to,
          T: x.shape[0], count: blocks.count))
    }
    blocks.withUnsafeBufferPointer { buffer in
      from == nil ? run(nil, buffer.baseAddress) : run(buffer.baseAddress, nil)
    }
  }
}
