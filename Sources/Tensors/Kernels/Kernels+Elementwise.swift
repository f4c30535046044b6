import CKernels

extension Kernels {
  /// y += x, float32.
  package static func add(_ x: Tensor, into y: Tensor) {
    y.requireCount(x.count, "add")
    ck_add(x.f32, y.f32, x.count)
  }

  /// x *= factor, float32.
  package static func scale(_ x: Tensor, by factor: Float) {
    ck_scale(x.f32, factor, x.count)
  }

  /// x += value, float32.
  package static func add(_ value: Float, to x: Tensor) {
    ck_add_number(x.f32, value, x.count)
  }

  /// x = cap · tanh(x / cap), float32.
  package static func softCap(_ x: Tensor, at cap: Float) {
    ck_soft_cap(x.f32, cap, x.count)
  }

  /// out = scale · x (+ residual).
  ///
  /// - Parameters:
  ///   - x: float32 or bfloat16
  ///   - residual: float32; may be `out` itself
  ///   - out: float32 or bfloat16; may be `x` itself
  package static func addScaled(
    _ x: Tensor, by scale: Float, residual: Tensor? = nil, into out: Tensor
  ) {
    out.requireCount(x.count, "addScaled out")
    residual?.requireCount(x.count, "addScaled residual")
    ck_add_scaled(
      ck_scaled_sum(
        x: x.input, scale: scale, residual: residual.map { UnsafePointer($0.f32) },
        out: out.output, count: x.count))
  }

  /// A number as it is after rounding to a type of floating-point numbers.
  package static func rounded(_ value: Float, to type: DataType) -> Float {
    let (number, narrow) = (Tensor.from([value], .float32), Tensor.zeros([1], type))
    convert(number, into: narrow)
    convert(narrow, into: number)
    return Float(number.scalar)
  }

  /// Copies the elements of one tensor into another of the same type; any shapes of the same size.
  package static func copy(_ source: Tensor, into target: Tensor) {
    target.requireCount(source.count, "copy")
    precondition(source.dataType == target.dataType, "copy \(source.dataType) \(target.dataType)")
    target.pointer.copyMemory(from: source.pointer, byteCount: source.byteCount)
  }

  /// out = x / (1 - probability) where kept, 0 where dropped. Element i is kept or dropped by number
  /// i of the stream that `key` names.
  ///
  /// - Parameters:
  ///   - x: float32 or bfloat16
  ///   - out: As `x`; may be `x` itself
  ///   - probability: Of dropping, in 0 ... 1.
  ///   - key: Use each key for one tensor only.
  package static func dropout(x: Tensor, out: Tensor, probability: Double, key: RandomKey) {
    out.requireCount(x.count, "dropout out")
    applyDropout(x, out, probability, key, accumulate: false)
  }

  /// dX += dOut / (1 - probability) where the forward pass with the same key kept.
  package static func dropoutBackward(
    dOut: Tensor, into dX: Tensor, probability: Double, key: RandomKey
  ) {
    dX.requireCount(dOut.count, "dropout dX")
    applyDropout(dOut, dX, probability, key, accumulate: true)
  }

  private static func applyDropout(
    _ x: Tensor, _ out: Tensor, _ probability: Double, _ key: RandomKey, accumulate: Bool
  ) {
    precondition((0...1).contains(probability), "dropout probability \(probability)")
    precondition(x.count <= Random.longestStream, "dropout of \(x.shape)")
    switch x.dataType {
    case .bfloat16:
      ck_bf16_dropout(x.bf16, out.bf16, probability, key.native, accumulate, x.count)
    default: ck_dropout(x.f32, out.f32, probability, key.native, accumulate, x.count)
    }
  }

  /// Converts between float32 and bfloat16 or float16, rounding to nearest, ties to even. Numbers
  /// too large become infinite; NaN stays NaN. Equal types are copied.
  package static func convert(_ source: Tensor, into target: Tensor) {
    target.requireCount(source.count, "convert")
    switch (source.dataType, target.dataType) {
    case (.bfloat16, .float32): ck_bfloat16_to_float32(source.u16, target.f32, source.count)
    case (.float16, .float32): ck_float16_to_float32(source.u16, target.f32, source.count)
    case (.float32, .bfloat16): ck_float32_to_bfloat16(source.f32, target.u16, source.count)
    case (.float32, .float16): ck_float32_to_float16(source.f32, target.u16, source.count)
    case (let from, let to) where from == to: copy(source, into: target)
    case (let from, let to): preconditionFailure("convert \(from) to \(to)")
    }
  }

  /// Whether no element is infinite or NaN.
  package static func isFinite(_ tensor: Tensor) -> Bool {
    switch tensor.dataType {
    case .float32: ck_all_finite_float32(tensor.f32, tensor.count)
    case .float64: ck_all_finite_float64(tensor.f64, tensor.count)
    case .bfloat16: ck_all_finite_16(tensor.u16, 0x7f80, tensor.count)
    case .float16: ck_all_finite_16(tensor.u16, 0x7c00, tensor.count)
    case .int64, .int32, .uint8: true
    }
  }
}
