/// How the frozen weights of linear layers are held in memory.
package struct WeightStorage: Sendable, Equatable {
  /// The type of a weight that is not quantized, and what one that is gets rounded to before.
  package let type: ComputeType
  package let quantization: Quantization?
  /// Whether the scales of blocks are quantized as well.
  package let doubleQuantization: Bool

  package init(
    _ type: ComputeType, quantization: Quantization? = nil, doubleQuantization: Bool = true
  ) {
    self.type = type
    self.quantization = quantization
    self.doubleQuantization = doubleQuantization
  }
}

package enum Quantization: String, CaseIterable, Sendable {
  /// 4-bit NormalFloat in blocks of 64.
  case nf4
}
