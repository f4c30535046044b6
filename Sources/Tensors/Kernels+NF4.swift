extension Kernels {
  package static func nf4Quantize(
    _ weight: Tensor, outputs: Int, inputs: Int, doubleQuantization: Bool,
    valueType: DataType? = nil
  ) -> NF4Weight {
    fatalError("not built yet")
  }

  package static func nf4Dequantize(_ weight: NF4Weight, into out: Tensor) {
    fatalError("not built yet")
  }
}
