/// A matrix [N, K] of whole numbers of at most four bits that stays so in memory: what
/// `PackedIntegerWeight` is in a file, laid out row by row.
///
/// Values are those of the file, bit for bit, and become bfloat16 where activations are.
package struct GroupedWeight {
  package let outputs: Int
  package let inputs: Int
  /// uint8 [N · K / 2], the even element in the high nibble.
  package let codes: Tensor
  /// float16 or bfloat16 [N, groups]
  package let scales: Tensor
  /// uint8 [N, groups]
  package let zeros: Tensor
  package let groups: PackedIntegerWeight.Groups

  /// Bytes of a weight.
  ///
  /// - Parameters:
  ///   - count: N · K
  ///   - scales: N · groups
  package static func byteCount(of count: Int, scales: Int) -> Int { count / 2 + 3 * scales }
}
