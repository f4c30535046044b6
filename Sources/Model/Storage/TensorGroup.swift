package import Formats
package import Tensors

/// Tensors of a file to be written that come into being together and stay in one shard.
package struct TensorGroup {
  package let entries: [SafetensorsWriter.Entry]
  /// Makes the tensors and hands the bytes of each entry to its argument, by name.
  package let bring: (_ emit: (String, UnsafeRawBufferPointer) throws -> Void) throws -> Void

  package init(
    entries: [SafetensorsWriter.Entry],
    bring: @escaping (_ emit: (String, UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) {
    self.entries = entries
    self.bring = bring
  }

  package var byteCount: Int { entries.reduce(0) { $0 + $1.byteCount } }

  /// One tensor of floating-point numbers, rounded to `type`; `values` makes it as float32.
  package static func rounded(
    _ name: String, shape: [Int], to type: DataType, values: @escaping () throws -> Tensor
  ) -> TensorGroup {
    let entry = SafetensorsWriter.Entry(name, type.rawValue, shape)
    return TensorGroup(entries: [entry]) { emit in
      let tensor = try values().rounded(to: type)
      guard Kernels.isFinite(tensor) else {
        throw Problem(
          name,
          "a value is not a number or does not fit into \(type.rawValue); write another type",
          kind: .run)
      }
      try tensor.withBytes { try emit(name, $0) }
    }
  }
}

extension PretrainedFiles {
  /// Every tensor of the model in one type, read when its turn comes. `change` may alter the float32
  /// weight of a linear layer before it is rounded, to merge an adapter into it.
  package func tensorGroups(
    as type: DataType, change: @escaping (Site, Tensor) throws -> Void = { _, _ in }
  ) -> [TensorGroup] {
    specification.sites.map { site in
      .rounded(site.name, shape: site.storedShape, to: type) { [self] in
        let tensor = try tensor(site)
        if site.role == .linear { try change(site, tensor) }
        guard site.isStoredTransposed else { return tensor }
        let stored = Tensor.zeros(site.storedShape)
        Kernels.transpose(tensor, into: stored)
        return stored
      }
    }
  }

  /// Every tensor of the model, linear layers but the head in NF4 as bitsandbytes stores them, the
  /// others and the values of NF4 in `valueType`.
  package func nf4TensorGroups(
    doubleQuantization: Bool, valueType: DataType
  ) throws(Problem) -> [TensorGroup] {
    guard !isQuantized else {
      throw Problem(path, "the model is quantized already; name the unquantized model")
    }
    return specification.sites.map { site in
      guard site.role == .linear else {
        return .rounded(site.name, shape: site.shape, to: valueType) { [self] in
          try tensor(site)
        }
      }
      let layout = BitsAndBytesLayout(
        site, doubleQuantization: doubleQuantization, valueType: valueType)
      return layout.group { [self] in
        try linear(
          site,
          storage: WeightStorage(
            .float32, quantization: .nf4, doubleQuantization: doubleQuantization),
          valueType: valueType)
      }
    }
  }
}

extension Tensor {
  /// float32 values as they are after rounding to a narrower type, in that type.
  fileprivate func rounded(to type: DataType) -> Tensor {
    guard type != dataType else { return self }
    let narrow = Tensor.zeros(shape, type)
    Kernels.convert(self, into: narrow)
    return narrow
  }
}
