@preconcurrency import CHDF5

/// Reads an HDF5 file of arrays, strings and attributes, as `HDF5Writer` or h5py writes it.
package final class HDF5Reader {
  /// Element type and shape of a stored array.
  package struct Entry: Sendable, Equatable {
    package let type: HDF5Type
    package let shape: [Int]

    package init(type: HDF5Type, shape: [Int]) {
      self.type = type
      self.shape = shape
    }
  }

  package let path: String
  private let file: hid_t
  private let size: Int

  /// - Throws: A `Problem` for a file that is missing, cut or not HDF5.
  package init(_ path: String) throws(Problem) {
    size = try InputFile(path).size
    let opened = HDF5Library.locked {
      HDF5Library.open()
      return H5Fopen(path, HDF5Library.readOnly, HDF5Library.defaultList)
    }
    guard opened >= 0 else {
      throw Problem(
        path, "this is not an HDF5 file, or it is cut; restore it or delete it and start again")
    }
    file = opened
    self.path = path
  }

  deinit { _ = HDF5Library.locked { H5Fclose(file) } }

  /// Whether a dataset or group has this name.
  package func contains(_ name: String) -> Bool {
    HDF5Library.locked {
      // Each group on the way must exist before the library may be asked for what is in it.
      var prefix = ""
      for part in name.split(separator: "/") {
        prefix += prefix.isEmpty ? String(part) : "/\(part)"
        guard H5Lexists(file, prefix, HDF5Library.defaultList) > 0 else { return false }
      }
      return !prefix.isEmpty
    }
  }

  /// Names in a group ("/" for the top), in byte order.
  package func names(in group: String = "/") throws(Problem) -> [String] {
    try HDF5Library.locked { () throws(Problem) in
      guard let opened = HDF5Handle(H5Gopen2(file, group, HDF5Library.defaultList), H5Gclose) else {
        throw missing(group)
      }
      var info = H5G_info_t()
      guard H5Gget_info(opened.id, &info) >= 0 else { throw damaged(group) }
      var names: [String] = []
      for index in 0..<info.nlinks {
        func name(_ buffer: UnsafeMutablePointer<CChar>?, _ size: Int) -> Int {
          H5Lget_name_by_idx(
            opened.id, ".", H5_INDEX_NAME, H5_ITER_INC, index, buffer, size, HDF5Library.defaultList
          )
        }
        let length = name(nil, 0)
        guard length >= 0 else { throw damaged(group) }
        var characters = [CChar](repeating: 0, count: length + 1)
        guard name(&characters, length + 1) == length else { throw damaged(group) }
        names.append(String(decoding: characters.prefix(length).map(UInt8.init), as: UTF8.self))
      }
      return names
    }
  }

  /// Element type and shape of an array.
  package func entry(_ name: String) throws(Problem) -> Entry {
    try withDataset(name) { (dataset) throws(Problem) in try entry(dataset, name) }
  }

  /// All elements of an array, row-major, and its shape.
  package func read<Element: HDF5Element>(
    _ name: String, as type: Element.Type = Element.self
  ) throws(Problem) -> (values: [Element], shape: [Int]) {
    let shape = try entry(name).shape
    guard let count = shape.checkedProduct else { throw damaged(name) }
    var values = [Element](repeating: .zero, count: count)
    try values.withUnsafeMutableBytes { (bytes) -> Result<Void, Problem> in
      Result { () throws(Problem) in try read(name, Element.hdf5Type, shape: shape, into: bytes) }
    }.get()
    return (values, shape)
  }

  /// All elements of an array that must have this type and shape, row-major.
  package func read(
    _ name: String, _ type: HDF5Type, shape: [Int], into bytes: UnsafeMutableRawBufferPointer
  ) throws(Problem) {
    precondition(
      shape.reduce(type.size, *) == bytes.count, "\(name): \(bytes.count) bytes for \(shape)")
    try withDataset(name) { (dataset) throws(Problem) in
      let entry = try entry(dataset, name)
      guard entry == Entry(type: type, shape: shape) else {
        throw problem(name, "is \(entry.type) \(entry.shape), expected \(type) \(shape)")
      }
      try read(dataset, type.native, bytes.baseAddress, name)
    }
  }

  /// One string.
  package func string(_ name: String) throws(Problem) -> String {
    let strings = try strings(name)
    guard let first = strings.first, strings.count == 1 else {
      throw problem(name, "holds \(strings.count) strings, expected one")
    }
    return first
  }

  /// A list of strings.
  package func strings(_ name: String) throws(Problem) -> [String] {
    try withDataset(name) { (dataset) throws(Problem) in
      guard let type = HDF5Handle(H5Dget_type(dataset), H5Tclose), H5Tis_variable_str(type.id) > 0
      else { throw problem(name, "does not hold strings of variable length") }
      let shape = try shape(dataset, name)
      // A stored string takes 16 bytes even when it is empty.
      guard let count = shape.checkedProduct, count <= size / 16 else { throw damaged(name) }
      var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
      let status = withHDF5StringType { type in
        H5Dread(
          dataset, type, HDF5Library.wholeSpace, HDF5Library.wholeSpace, HDF5Library.defaultList,
          &pointers)
      }
      defer { for pointer in pointers { H5free_memory(pointer) } }
      guard let status, status >= 0 else { throw damaged(name) }
      return pointers.map { pointer in pointer.map { String(cString: $0) } ?? "" }
    }
  }

  /// A value attached to a dataset, to a group, or to the file as a whole ("/"); nil where there is
  /// none.
  package func attribute(_ key: String, on object: String = "/") throws(Problem) -> HDF5Attribute? {
    try HDF5Library.locked { () throws(Problem) in
      let exists = H5Aexists_by_name(file, object, key, HDF5Library.defaultList)
      guard exists >= 0 else { throw missing(object) }
      if exists == 0 { return nil }
      let place = "\(object)@\(key)"
      guard
        let attribute = HDF5Handle(
          H5Aopen_by_name(file, object, key, HDF5Library.defaultList, HDF5Library.defaultList),
          H5Aclose),
        let type = HDF5Handle(H5Aget_type(attribute.id), H5Tclose),
        let space = HDF5Handle(H5Aget_space(attribute.id), H5Sclose),
        H5Sget_simple_extent_npoints(space.id) == 1
      else { throw damaged(place) }
      switch H5Tget_class(type.id) {
      case H5T_INTEGER:
        var value: Int64 = 0
        guard H5Aread(attribute.id, H5T_NATIVE_INT64_g, &value) >= 0 else { throw damaged(place) }
        return .integer(Int(value))
      case H5T_FLOAT:
        var value = 0.0
        guard H5Aread(attribute.id, H5T_NATIVE_DOUBLE_g, &value) >= 0 else { throw damaged(place) }
        return .number(value)
      case H5T_STRING where H5Tis_variable_str(type.id) > 0:
        var pointer: UnsafeMutablePointer<CChar>?
        guard let status = withHDF5StringType({ H5Aread(attribute.id, $0, &pointer) }), status >= 0
        else { throw damaged(place) }
        defer { H5free_memory(pointer) }
        return .string(pointer.map { String(cString: $0) } ?? "")
      default: throw problem(place, "is of a kind that is not read here")
      }
    }
  }

  /// A whole number that must be attached to `object`.
  package func integerAttribute(_ key: String, on object: String = "/") throws(Problem) -> Int {
    switch try attribute(key, on: object) {
    case .integer(let value): return value
    case nil: throw missing("\(object)@\(key)")
    default: throw problem("\(object)@\(key)", "is not a whole number")
    }
  }

  // MARK: - Checks

  private func withDataset<Result>(
    _ name: String, _ body: (hid_t) throws(Problem) -> Result
  ) throws(Problem) -> Result {
    try HDF5Library.locked { () throws(Problem) in
      guard contains(name),
        let dataset = HDF5Handle(H5Dopen2(file, name, HDF5Library.defaultList), H5Dclose)
      else { throw missing(name) }
      return try body(dataset.id)
    }
  }

  private func shape(_ dataset: hid_t, _ name: String) throws(Problem) -> [Int] {
    guard let space = HDF5Handle(H5Dget_space(dataset), H5Sclose) else { throw damaged(name) }
    let dimensions = H5Sget_simple_extent_ndims(space.id)
    guard dimensions >= 0 else { throw damaged(name) }
    var sizes = [hsize_t](repeating: 0, count: Int(dimensions))
    guard H5Sget_simple_extent_dims(space.id, &sizes, nil) >= 0 else { throw damaged(name) }
    let shape = sizes.compactMap { Int(exactly: $0) }
    guard shape.count == sizes.count else { throw damaged(name) }
    return shape
  }

  /// Also checks that the bytes are there: a hostile shape must not make us allocate.
  private func entry(_ dataset: hid_t, _ name: String) throws(Problem) -> Entry {
    guard let stored = HDF5Handle(H5Dget_type(dataset), H5Tclose) else { throw damaged(name) }
    let match = HDF5Type.allCases.first { H5Tequal(stored.id, $0.native) > 0 }
    guard let type = match else {
      let names = HDF5Type.allCases.map(\.rawValue).joined(separator: ", ")
      throw problem(name, "has an element type that is not one of \(names)")
    }
    let shape = try shape(dataset, name)
    guard let bytes = (shape + [type.size]).checkedProduct, bytes <= size,
      H5Dget_storage_size(dataset) >= UInt64(bytes)
    else {
      throw problem(name, "is \(type) \(shape), but its data is compressed, cut or missing")
    }
    return Entry(type: type, shape: shape)
  }

  private func read(
    _ dataset: hid_t, _ type: hid_t, _ target: UnsafeMutableRawPointer?, _ name: String
  ) throws(Problem) {
    guard let target else { return }
    let status = H5Dread(
      dataset, type, HDF5Library.wholeSpace, HDF5Library.wholeSpace, HDF5Library.defaultList,
      target)
    guard status >= 0 else { throw damaged(name) }
  }

  private func problem(_ name: String, _ sentence: String) -> Problem {
    Problem(path, "\"\(name)\" \(sentence); the file is damaged or was made by another program")
  }

  private func damaged(_ name: String) -> Problem { problem(name, "cannot be read") }

  private func missing(_ name: String) -> Problem { problem(name, "is missing") }
}
