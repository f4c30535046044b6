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

  /// The same weight as it stays in memory; nil where that has no place for it: codes of eight bits, divisors,
  /// rows of odd length, scales that are not of 16 bits or so large that values may not be finite.
  package static func regroup(
    _ weight: PackedIntegerWeight, in memory: TensorPool? = nil
  ) -> GroupedWeight? {
    guard weight.canStayGrouped else { return nil }
    let (outputs, inputs, groups) = (weight.outputs, weight.inputs, weight.groupCount)
    let codes = Tensor.zeros([outputs * inputs / 2], .uint8, in: memory)
    let scales = Tensor.zeros([outputs, groups], weight.scales.dataType, in: memory)
    let zeros = Tensor.zeros([outputs, groups], .uint8, in: memory)
    var native = weight.native
    ck_packed_integers_regroup(&native, groups, codes.u8, scales.u16, zeros.u8)
    guard hasSmallScales(scales) else { return nil }
    var places = weight.groups
    if case .listed(let listed, let count) = places {
      // The file's own memory is given back.
      let copy = Tensor.zeros([inputs], .int32, in: memory)
      copy.copy(from: listed.toArray(Int32.self))
      places = .listed(copy, count: count)
    }
    return GroupedWeight(
      outputs: outputs, inputs: inputs, codes: codes, scales: scales, zeros: zeros, groups: places)
  }

  /// Whether scale · 15 is finite in the type of the scales.
  private static func hasSmallScales(_ scales: Tensor) -> Bool {
    let values = Tensor.zeros(scales.shape)
    convert(scales, into: values)
    let most: Float = scales.dataType == .float16 ? 65504 / 15 : 1e37
    return values.toArray(Float.self).allSatisfy { abs($0) <= most }
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

extension GroupedWeight {
  /// Pointers for the kernels, sizes checked; valid while `self` is.
  var native: ck_grouped {
    var native = ck_grouped()
    codes.requireCount(outputs * inputs / 2, "grouped codes")
    let count = scales.shape[1]
    scales.requireCount(outputs * count, "grouped scales")
    zeros.requireCount(outputs * count, "grouped zero points")
    native.codes = UnsafePointer(codes.u8)
    native.scales = UnsafePointer(scales.u16)
    native.zeros = UnsafePointer(zeros.u8)
    native.inputs = inputs
    native.groups = count
    native.scale_type = scales.dataType.valueType
    native.value_type = CK_FLOAT32
    switch groups {
    case .contiguous(let size): native.group_size = size
    case .listed(let places, _):
      places.requireCount(inputs, "groups of the inputs")
      native.group_of = UnsafePointer(places.i32)
    }
    return native
  }
}

extension Tensor {
  fileprivate var words: UnsafePointer<UInt32> {
    UnsafeRawPointer(i32).assumingMemoryBound(to: UInt32.self)
  }
}
