/// The frozen weight [N, K] of a linear layer (N outputs, K inputs), in the form it is stored.
///
/// A storage, not a layer class: `Linear` and the adapters are the same over each of them.
package enum BaseWeight {
  /// float32 [N, K].
  case float32(Tensor)
  /// bfloat16 [N, K].
  case bfloat16(Tensor)
  /// 4-bit NormalFloat, in bitsandbytes' own layout.
  case nf4(NF4Weight)
  /// At most four bits with scales and zero points, as GPTQ and AWQ made them.
  case grouped(GroupedWeight)

  package var outputs: Int {
    switch self {
    case .float32(let tensor), .bfloat16(let tensor): tensor.shape[0]
    case .nf4(let weight): weight.outputs
    case .grouped(let weight): weight.outputs
    }
  }

  package var inputs: Int {
    switch self {
    case .float32(let tensor), .bfloat16(let tensor): tensor.shape[1]
    case .nf4(let weight): weight.inputs
    case .grouped(let weight): weight.inputs
    }
  }
}

/// A matrix in 4-bit NormalFloat (Dettmers et al. 2023, arXiv:2305.14314), bit for bit as
/// bitsandbytes lays it out: flattened row-major, blocks of 64 elements (they cross row ends when
/// K % 64 != 0), even element in the high nibble, one absolute maximum a block.
package struct NF4Weight {
  package let outputs: Int
  package let inputs: Int
  /// uint8 [ceil(N·K / 2)]
  package let codes: Tensor
  package let absmax: Absmax
  /// What a value is rounded to when dequantized: the type the weight had before (float32 or bfloat16).
  package let valueType: DataType

  package enum Absmax {
    /// float32 [blocks]
    case plain(Tensor)
    /// Double quantization: `absmax = quantMap[codes[i]] * absmax2[i / 256] + offset`, two roundings.
    /// codes uint8 [blocks], absmax2 float32 [ceil(blocks / 256)], quantMap float32 [256]
    case nested(codes: Tensor, absmax2: Tensor, quantMap: Tensor, offset: Float)
  }

  package static let blockSize = 64
  package static let nestedBlockSize = 256

  package init(outputs: Int, inputs: Int, codes: Tensor, absmax: Absmax, valueType: DataType) {
    self.outputs = outputs
    self.inputs = inputs
    self.codes = codes
    self.absmax = absmax
    self.valueType = valueType
  }
}
