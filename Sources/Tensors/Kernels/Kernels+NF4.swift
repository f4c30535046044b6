import CKernels

/// 4-bit NormalFloat (Dettmers et al. 2023, arXiv:2305.14314). Codes, absmax and values are equal to
/// those of bitsandbytes on a CPU, bit for bit.
extension Kernels {
  /// Quantizes a weight.
  ///
  /// - Parameters:
  ///   - weight: float32, bfloat16 or float16 [N, K]
  ///   - outputs: N
  ///   - inputs: K
  ///   - doubleQuantization: Quantizes the absmax values too, to 8 bits.
  ///   - valueType: What values are rounded to when dequantized; by default the type of `weight`.
  ///   - memory: Where the result goes; by default into memory of its own.
  /// - Returns: The weight in 4 bits.
  package static func nf4Quantize(
    _ weight: Tensor, outputs: Int, inputs: Int, doubleQuantization: Bool,
    valueType: DataType? = nil, in memory: TensorPool? = nil
  ) -> NF4Weight {
    weight.requireCount(outputs * inputs, "NF4 weight")
    let blocks = NF4Weight.blockCount(of: weight.count)
    let codes = Tensor.zeros([(weight.count + 1) / 2], .uint8, in: memory)
    let absmax = Tensor.zeros([blocks], in: doubleQuantization ? nil : memory)
    ck_nf4_quantize(
      weight.pointer, weight.dataType.valueType, codes.u8, absmax.f32, weight.count)
    return NF4Weight(
      outputs: outputs, inputs: inputs, codes: codes,
      absmax: doubleQuantization ? quantizeAbsmax(absmax, in: memory) : .plain(absmax),
      valueType: valueType ?? weight.dataType)
  }

  private static func quantizeAbsmax(
    _ absmax: Tensor, in memory: TensorPool?
  ) -> NF4Weight.Absmax {
    let blocks = absmax.count
    let codes = Tensor.zeros([blocks], .uint8, in: memory)
    let absmax2 = Tensor.zeros([NF4Weight.nestedBlockCount(of: blocks)], in: memory)
    let quantMap = Tensor.zeros([256], in: memory)
    var offset: Float = 0
    ck_nf4_quantize_absmax(absmax.f32, codes.u8, absmax2.f32, quantMap.f32, &offset, blocks)
    return .nested(codes: codes, absmax2: absmax2, quantMap: quantMap, offset: offset)
  }

  /// out = the values of the weight, rounded to its value type.
  ///
  /// - Parameters:
  ///   - weight: [N, K]
  ///   - out: float32 [N, K]
  package static func nf4Dequantize(_ weight: NF4Weight, into out: Tensor) {
    out.requireCount(weight.outputs * weight.inputs, "NF4 out")
    var native = weight.native
    ck_nf4_dequantize(&native, 0, out.count, out.f32)
  }
}

extension NF4Weight {
  /// The values of the 16 codes, in ascending order.
  package static var codeValues: [Float] {
    (0..<16).map { ck_nf4_code_value($0) }
  }

  /// Blocks of a weight of `count` elements.
  package static func blockCount(of count: Int) -> Int { (count + blockSize - 1) / blockSize }

  /// Blocks of `blocks` absmax values under double quantization.
  package static func nestedBlockCount(of blocks: Int) -> Int {
    (blocks + nestedBlockSize - 1) / nestedBlockSize
  }

  /// Pointers for the kernels, sizes checked; valid while `self` is.
  var native: ck_nf4 {
    let count = outputs * inputs
    let blocks = NF4Weight.blockCount(of: count)
    codes.requireCount((count + 1) / 2, "NF4 codes")
    var weight = ck_nf4()
    weight.codes = UnsafePointer(codes.u8)
    weight.value_type = valueType.valueType
    weight.count = count
    switch absmax {
    case .plain(let absmax):
      absmax.requireCount(blocks, "NF4 absmax")
      weight.absmax = UnsafePointer(absmax.f32)
    case .nested(let absmaxCodes, let absmax2, let quantMap, let offset):
      absmaxCodes.requireCount(blocks, "NF4 absmax codes")
      absmax2.requireCount(NF4Weight.nestedBlockCount(of: blocks), "NF4 nested absmax")
      quantMap.requireCount(256, "NF4 nested map")
      weight.absmax_codes = UnsafePointer(absmaxCodes.u8)
      weight.absmax2 = UnsafePointer(absmax2.f32)
      weight.map = UnsafePointer(quantMap.f32)
      weight.offset = offset
    }
    return weight
  }
}

extension DataType {
  var valueType: ck_value_type {
    switch self {
    case .float32: CK_FLOAT32
    case .bfloat16: CK_BFLOAT16
    case .float16: CK_FLOAT16
    case .float64, .int64, .int32, .uint8: preconditionFailure("values of \(self)")
    }
  }
}
