import CKernels

/// The block formats of GGML that can be decoded, and most of them encoded; raw values are llama.cpp's names.
package enum GGMLBlocks: String, Sendable, CaseIterable {
  case f32 = "F32"
  case f16 = "F16"
  case bf16 = "BF16"
  case q4_0 = "Q4_0"
  case q4_1 = "Q4_1"
  case q5_0 = "Q5_0"
  case q5_1 = "Q5_1"
  case q8_0 = "Q8_0"
  case q2_K = "Q2_K"
  case q3_K = "Q3_K"
  case q4_K = "Q4_K"
  case q5_K = "Q5_K"
  case q6_K = "Q6_K"
  case iq4_NL = "IQ4_NL"
  case iq4_XS = "IQ4_XS"
  case mxfp4 = "MXFP4"
  case tq1_0 = "TQ1_0"
  case tq2_0 = "TQ2_0"
  case iq2_XXS = "IQ2_XXS"
  case iq2_XS = "IQ2_XS"
  case iq2_S = "IQ2_S"
  case iq3_XXS = "IQ3_XXS"
  case iq3_S = "IQ3_S"
  case iq1_S = "IQ1_S"
  case iq1_M = "IQ1_M"

  /// Elements that are stored together; a row is a multiple of it.
  package var blockElements: Int { ggml_block_elements(native) }
  package var blockBytes: Int { ggml_block_bytes(native) }

  /// out = the decoded matrix.
  ///
  /// - Parameters:
  ///   - bytes: The blocks of all rows, one row after the other.
  ///   - out: float32 [..., columns]
  ///   - headRows: Undoes the row order that llama.cpp gives to query and key weights: within each
  ///     head of that many rows, stored row 2i + j is row i + j · headRows / 2. 0: no such order.
  package func decode(_ bytes: UnsafeRawBufferPointer, into out: Tensor, headRows: Int = 0) {
    let columns = out.shape.last ?? 1
    let rows = columns == 0 ? 0 : out.count / columns
    precondition(
      columns.isMultiple(of: blockElements)
        && bytes.count == out.count / blockElements * blockBytes,
      "\(bytes.count) bytes of \(rawValue) for \(out.shape)")
    precondition(
      headRows == 0 || (headRows.isMultiple(of: 2) && rows.isMultiple(of: headRows)),
      "\(rows) rows in heads of \(headRows)")
    guard let start = bytes.baseAddress else { return }
    ggml_decode(native, start, out.f32, rows, columns, headRows)
  }

  /// Whether `encode` knows the format: up to Q6_K, but for Q2_K and Q3_K.
  package var canEncode: Bool { ggml_can_encode(native) }

  /// The blocks of a matrix, one row after the other, bit for bit as GGML's reference quantizer makes
  /// them (`gguf.quants` in Python; `quantize_row_*_ref` in C, compiled without fused operations).
  ///
  /// - Parameters:
  ///   - values: float32 [..., columns], finite; columns are a multiple of `blockElements`.
  ///   - order: Row i of the result is made from row order[i] of the values; nil: rows stay in place.
  package func encode(_ values: Tensor, order: [Int]? = nil) -> [UInt8] {
    let columns = values.shape.last ?? 1
    let rows = columns == 0 ? 0 : values.count / columns
    precondition(canEncode, "\(rawValue) cannot be encoded")
    precondition(
      columns.isMultiple(of: blockElements), "\(values.shape) is not whole blocks of \(rawValue)")
    precondition(
      order.map { $0.count == rows && $0.allSatisfy((0..<rows).contains) } ?? true,
      "an order of \(order?.count ?? 0) rows for \(values.shape)")
    let native = native
    let order = order.map { $0.map(UInt32.init) }
    return [UInt8](unsafeUninitializedCapacity: values.count / blockElements * blockBytes) {
      buffer, count in
      count = buffer.count
      guard let start = buffer.baseAddress, rows > 0 else { return }
      if let order {
        order.withUnsafeBufferPointer {
          ggml_encode(native, values.f32, start, rows, columns, $0.baseAddress)
        }
      } else {
        ggml_encode(native, values.f32, start, rows, columns, nil)
      }
    }
  }

  private var native: ggml_block_type {
    switch self {
    case .f32: GGML_BLOCK_F32
    case .f16: GGML_BLOCK_F16
    case .bf16: GGML_BLOCK_BF16
    case .q4_0: GGML_BLOCK_Q4_0
    case .q4_1: GGML_BLOCK_Q4_1
    case .q5_0: GGML_BLOCK_Q5_0
    case .q5_1: GGML_BLOCK_Q5_1
    case .q8_0: GGML_BLOCK_Q8_0
    case .q2_K: GGML_BLOCK_Q2_K
    case .q3_K: GGML_BLOCK_Q3_K
    case .q4_K: GGML_BLOCK_Q4_K
    case .q5_K: GGML_BLOCK_Q5_K
    case .q6_K: GGML_BLOCK_Q6_K
    case .iq4_NL: GGML_BLOCK_IQ4_NL
    case .iq4_XS: GGML_BLOCK_IQ4_XS
    case .mxfp4: GGML_BLOCK_MXFP4
    case .tq1_0: GGML_BLOCK_TQ1_0
    case .tq2_0: GGML_BLOCK_TQ2_0
    case .iq2_XXS: GGML_BLOCK_IQ2_XXS
    case .iq2_XS: GGML_BLOCK_IQ2_XS
    case .iq2_S: GGML_BLOCK_IQ2_S
    case .iq3_XXS: GGML_BLOCK_IQ3_XXS
    case .iq3_S: GGML_BLOCK_IQ3_S
    case .iq1_S: GGML_BLOCK_IQ1_S
    case .iq1_M: GGML_BLOCK_IQ1_M
    }
  }
}
