/// Memory for tensors that stay for long, such as the weights of a model.
///
/// A tensor of less than a huge page would otherwise come in pages of 4 KB: SmolLM2's linear layers
/// in 60,000 of them, a quarter of a second to get and more to walk through. From here tensors
/// lie one after the other in large pieces. A piece lives as long as any tensor in it, so
/// what is soon given up does not belong here.
package final class TensorPool {
  private static let pieceBytes = 64 << 20

  private var piece: Allocation?
  private var used = 0

  package init() {}

  fileprivate func zeros(_ byteCount: Int) -> (pointer: UnsafeMutableRawPointer, owner: Allocation)
  {
    let bytes = (byteCount + 63) & ~63
    guard bytes <= Self.pieceBytes / 4 else {
      let own = Allocation(byteCount: byteCount)
      return (own.pointer, own)
    }
    let current: Allocation
    if let piece, used + bytes <= Self.pieceBytes {
      current = piece
    } else {
      current = Allocation(byteCount: Self.pieceBytes)
      piece = current
      used = 0
    }
    defer { used += bytes }
    return (current.pointer + used, current)
  }
}

extension Tensor {
  /// Zero-filled memory from a pool; without one, of its own.
  package static func zeros(
    _ shape: [Int], _ dataType: DataType = .float32, in pool: TensorPool?
  ) -> Tensor {
    guard let pool else { return zeros(shape, dataType) }
    let (pointer, owner) = pool.zeros(shape.reduce(1, *) * dataType.size)
    return Tensor(shape: shape, dataType: dataType, pointer: pointer, owner: owner)
  }
}
