/// How an element is stored. Raw values are the safetensors names.
package enum DataType: String, Sendable, CaseIterable {
  case float64 = "F64"
  case float32 = "F32"
  case bfloat16 = "BF16"
  case float16 = "F16"
  case int64 = "I64"
  case int32 = "I32"
  case uint8 = "U8"

  /// Bytes of one element.
  package var size: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .bfloat16, .float16: 2
    case .uint8: 1
    }
  }

  /// As PyTorch and Hugging Face call it, without `torch.`.
  package var torchName: String {
    switch self {
    case .float64: "float64"
    case .float32: "float32"
    case .bfloat16: "bfloat16"
    case .float16: "float16"
    case .int64: "int64"
    case .int32: "int32"
    case .uint8: "uint8"
    }
  }
}
