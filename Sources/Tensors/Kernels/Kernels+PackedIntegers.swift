import CKernels

extension Kernels {
  /// out = the values of a weight in small whole numbers.
  ///
  /// - Parameters:
  ///   - weight: [N, K]
  ///   - out: float32 [N, K]
  package static func decode(_ weight: PackedIntegerWeight, into out: Tensor) {
    out.requireCount(weight.outputs * weight.inputs, "packed out")
    var native = weight.native
    ck_packed_integers_decode(&native, out.f32)
  }

  /// out[n, k] = codes[n, k] · scales[n] / 127, in the two roundings that bitsandbytes makes.
  ///
  /// - Parameters:
  ///   - codes: The bytes of signed numbers [N, K], as uint8.
  ///   - scales: float32 [N]
  ///   - out: float32 [N, K]
  package static func decodeInt8(_ codes: Tensor, scales: Tensor, into out: Tensor) {
    let (rows, columns) = (out.shape[0], out.shape[1])
    codes.requireCount(rows * columns, "INT8 codes")
    scales.requireCount(rows, "INT8 scales")
    codes.u8.withMemoryRebound(to: Int8.self, capacity: codes.count) {
      ck_int8_decode($0, scales.f32, out.f32, rows, columns)
    }
  }

  /// Whether all of the whole numbers are in `range`.
  package static func isWithin(_ range: Range<Int32>, _ tensor: Tensor) -> Bool {
    UnsafeBufferPointer(start: tensor.i32, count: tensor.count).allSatisfy(range.contains)
  }
}

extension PackedIntegerWeight {
  /// Pointers for the kernels, sizes checked; valid while `self` is.
  fileprivate var native: ck_packed_integers {
    precondition(isPossible, "[\(outputs), \(inputs)] in codes of \(bits) bits")
    let groupCount = groupCount
    codes.requireCount(outputs * inputs * bits / 32, "packed codes")
    var native = ck_packed_integers()
    switch layout {
    case .gptq: native.layout = CK_PACKED_GPTQ
    case .awq: native.layout = CK_PACKED_AWQ
    case .awqRows: native.layout = CK_PACKED_AWQ_ROWS
    }
    if layout == .awqRows {
      precondition(zeroWords * 8 >= groupCount, "\(zeroWords) words for \(groupCount) groups")
      scales.requireCount(outputs * zeroWords * 8, "packed scales")
    } else {
      zeros.requireCount(groupCount * zeroWords, "packed zero points")
      scales.requireCount(groupCount * outputs, "packed scales")
    }
    native.bits = UInt32(bits)
    native.outputs = outputs
    native.inputs = inputs
    native.codes = codes.words
    native.zeros = zeros.words
    native.zero_words = zeroWords
    native.zero_offset = UInt32(zeroOffset)
    native.scales = UnsafeRawPointer(scales.pointer)
    native.value_type = scales.dataType.valueType
    switch groups {
    case .contiguous(let size):
      precondition(size > 0, "groups of \(size)")
      native.group_size = size
    case .listed(let places, _):
      places.requireCount(inputs, "groups of the inputs")
      native.groups = UnsafePointer(places.i32)
    }
    if let divisors {
      divisors.requireCount(inputs, "divisors")
      native.divisors = UnsafePointer(divisors.f32)
    }
    return native
  }
}

extension Tensor {
  fileprivate var words: UnsafePointer<UInt32> {
    UnsafeRawPointer(i32).assumingMemoryBound(to: UInt32.self)
  }
}
