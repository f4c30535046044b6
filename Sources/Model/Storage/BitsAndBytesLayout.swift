package import Formats
package import Tensors

/// The tensors that bitsandbytes stores for one NF4 weight; the reverse of `BitsAndBytesWeight`.
package struct BitsAndBytesLayout {
  private let name: String
  private let shape: [Int]
  private let doubleQuantization: Bool
  private let valueType: DataType

  package init(_ site: Site, doubleQuantization: Bool, valueType: DataType) {
    name = site.name
    shape = site.shape
    self.doubleQuantization = doubleQuantization
    self.valueType = valueType
  }

  /// What `config.json` says about weights in this layout, as transformers writes it.
  package static func configuration(doubleQuantization: Bool, valueType: DataType) -> JSON {
    [
      "_load_in_4bit": true, "_load_in_8bit": false,
      "bnb_4bit_compute_dtype": .string(valueType.torchName), "bnb_4bit_quant_storage": "uint8",
      "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": .bool(doubleQuantization),
      "llm_int8_enable_fp32_cpu_offload": false, "llm_int8_has_fp16_weight": false,
      "llm_int8_skip_modules": nil, "llm_int8_threshold": 6.0, "load_in_4bit": true,
      "load_in_8bit": false, "quant_method": "bitsandbytes",
    ]
  }

  /// The weight's tensors, made by `quantize` when their turn comes.
  package func group(_ quantize: @escaping () throws -> BaseWeight) -> TensorGroup {
    TensorGroup(entries: entries) { [self] emit in
      guard case .nf4(let weight) = try quantize() else {
        preconditionFailure("\(name) was not quantized")
      }
      try emitParts(of: weight, emit)
    }
  }

  private func part(_ part: String) -> String { BitsAndBytesWeight.part(name, part) }

  private var entries: [SafetensorsWriter.Entry] {
    let count = shape.reduce(1, *)
    let blocks = NF4Weight.blockCount(of: count)
    var entries: [SafetensorsWriter.Entry] = [
      .init(name, "U8", [(count + 1) / 2, 1]),
      .init(part("absmax"), doubleQuantization ? "U8" : "F32", [blocks]),
      .init(part("quant_map"), "F32", [16]),
      .init(BitsAndBytesWeight.stateName(name), "U8", [stateByteCount]),
    ]
    if doubleQuantization {
      entries += [
        .init(part("nested_absmax"), "F32", [NF4Weight.nestedBlockCount(of: blocks)]),
        .init(part("nested_quant_map"), "F32", [256]),
      ]
    }
    return entries
  }

  private func emitParts(
    of weight: NF4Weight, _ emit: (String, UnsafeRawBufferPointer) throws -> Void
  ) throws {
    func emitTensor(_ tensor: Tensor, as name: String) throws {
      try tensor.withBytes { try emit(name, $0) }
    }
    var offset: Float?
    try emitTensor(weight.codes, as: name)
    try NF4Weight.codeValues.withUnsafeBytes { try emit(part("quant_map"), $0) }
    switch weight.absmax {
    case .plain(let absmax): try emitTensor(absmax, as: part("absmax"))
    case .nested(let codes, let absmax2, let quantMap, let nestedOffset):
      offset = nestedOffset
      try emitTensor(codes, as: part("absmax"))
      try emitTensor(absmax2, as: part("nested_absmax"))
      try emitTensor(quantMap, as: part("nested_quant_map"))
    }
    var state = Array(state(offset: offset).text(.python).utf8)
    state += repeatElement(UInt8(ascii: " "), count: stateByteCount - state.count)
    try state.withUnsafeBytes { try emit(BitsAndBytesWeight.stateName(name), $0) }
  }

  /// The state's length has to be known before the offset is: room for the longest number, the rest
  /// filled with spaces, which JSON ignores.
  private var stateByteCount: Int {
    let longestNumber = 25
    return state(offset: doubleQuantization ? 0 : nil).text(.python).utf8.count
      + (doubleQuantization ? longestNumber : 0)
  }

  private func state(offset: Float?) -> JSON {
    var state: JSON = [
      "quant_type": "nf4", "blocksize": .integer(NF4Weight.blockSize),
      "dtype": .string(valueType.torchName), "shape": .array(shape.map { .integer($0) }),
    ]
    if let offset {
      state.set("nested_blocksize", .integer(NF4Weight.nestedBlockSize))
      state.set("nested_dtype", "float32")
      state.set("nested_offset", .number(Double(offset)))
    }
    return state
  }
}
