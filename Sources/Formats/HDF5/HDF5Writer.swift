@preconcurrency import CHDF5

/// Writes a new HDF5 file: arrays and strings under slash-separated names, with attributes.
///
/// Arrays are contiguous and uncompressed, without time stamps: equal contents make equal bytes.
/// Every call reports a failed write, a full disk above all, as a `.run` problem.
package final class HDF5Writer {
  package let path: String
  private var file: hid_t

  /// Creates the file, or empties it.
  package init(_ path: String) throws(Problem) {
    // The library says only that it failed; opening the file ourselves finds out why.
    try OutputFile(path).close()
    let created = HDF5Library.locked {
      HDF5Library.open()
      return H5Fcreate(
        path, HDF5Library.truncate, HDF5Library.defaultList, HDF5Library.defaultList)
    }
    guard created >= 0 else { throw Self.failure(path, "creating the file") }
    file = created
    self.path = path
  }

  deinit {
    if file >= 0 { _ = HDF5Library.locked { H5Fclose(file) } }
  }

  /// An array. Without `shape` it has one dimension.
  package func write<Element: HDF5Element>(
    _ name: String, _ values: [Element], shape: [Int]? = nil
  ) throws(Problem) {
    try values.withUnsafeBytes { (bytes) -> Result<Void, Problem> in
      Result { () throws(Problem) in
        try write(name, Element.hdf5Type, shape: shape ?? [values.count], bytes: bytes)
      }
    }.get()
  }

  /// An array from the bytes of its elements, in this machine's byte order.
  package func write(
    _ name: String, _ type: HDF5Type, shape: [Int], bytes: UnsafeRawBufferPointer
  ) throws(Problem) {
    precondition(
      shape.reduce(type.size, *) == bytes.count, "\(name): \(bytes.count) bytes for \(shape)")
    let sizes = shape.map { hsize_t($0) }
    try HDF5Library.locked { () throws(Problem) in
      guard let space = HDF5Handle(H5Screate_simple(Int32(sizes.count), sizes, nil), H5Sclose)
      else { throw failure(name) }
      try write(
        bytes.baseAddress, type: type.native, space: space.id, count: bytes.count, as: name)
    }
  }

  /// One string.
  package func write(_ name: String, _ text: String) throws(Problem) {
    try HDF5Library.locked { () throws(Problem) in
      try write(strings: [text], space: H5Screate(H5S_SCALAR), as: name)
    }
  }

  /// A list of strings.
  package func write(_ name: String, _ texts: [String]) throws(Problem) {
    try HDF5Library.locked { () throws(Problem) in
      let space = H5Screate_simple(1, [hsize_t(texts.count)], nil)
      try write(strings: texts, space: space, as: name)
    }
  }

  /// Attaches a value to a dataset or group, or to the file as a whole ("/").
  package func writeAttribute(
    _ key: String, _ value: HDF5Attribute, on object: String = "/"
  ) throws(Problem) {
    let written = HDF5Library.locked { attach(key, value, on: object) }
    guard written else { throw failure("\(object)@\(key)") }
  }

  /// Completes the file and brings it to the disk.
  package func close() throws(Problem) {
    precondition(file >= 0, "\(path) was closed before")
    let complete = HDF5Library.locked {
      let flushed = H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0
      return H5Fclose(file) >= 0 && flushed
    }
    file = -1
    guard complete else { throw failure("the end of the file") }
    try synchronize(path)
  }

  // MARK: - Calls into the library

  private func attach(_ key: String, _ value: HDF5Attribute, on object: String) -> Bool {
    switch value {
    case .integer(let value):
      withUnsafePointer(to: Int64(value)) {
        attach(key, object, H5T_NATIVE_INT64_g, UnsafeRawPointer($0))
      }
    case .number(let value):
      withUnsafePointer(to: value) {
        attach(key, object, H5T_NATIVE_DOUBLE_g, UnsafeRawPointer($0))
      }
    case .string(let value):
      value.withCString { characters in
        withUnsafePointer(to: characters) { pointer in
          withHDF5StringType { attach(key, object, $0, UnsafeRawPointer(pointer)) } ?? false
        }
      }
    }
  }

  private func write(
    strings: [String], space id: hid_t, as name: String
  ) throws(Problem) {
    guard let space = HDF5Handle(id, H5Sclose) else { throw failure(name) }
    // The characters of all strings in one block, each ended by a zero byte, and pointers into it.
    precondition(strings.allSatisfy { !$0.utf8.contains(0) }, "\(name): a string with a zero byte")
    let characters = strings.reduce(into: [UInt8]()) { $0 += Array($1.utf8) + [0] }
    let result: Problem? = characters.withUnsafeBytes { block in
      var start = 0
      var pointers: [UnsafeRawPointer?] = []
      for string in strings {
        pointers.append(block.baseAddress.map { $0 + start })
        start += string.utf8.count + 1
      }
      return pointers.withUnsafeBytes { pointers in
        withHDF5StringType { type -> Problem? in
          do throws(Problem) {
            try write(
              pointers.baseAddress, type: type, space: space.id, count: pointers.count, as: name)
            return nil
          } catch { return error }
        } ?? failure(name)
      }
    }
    if let result { throw result }
  }

  private func write(
    _ start: UnsafeRawPointer?, type: hid_t, space: hid_t, count: Int, as name: String
  ) throws(Problem) {
    guard let links = HDF5Handle(H5Pcreate(H5P_CLS_LINK_CREATE_ID_g), H5Pclose),
      let creation = HDF5Handle(H5Pcreate(H5P_CLS_DATASET_CREATE_ID_g), H5Pclose),
      H5Pset_create_intermediate_group(links.id, 1) >= 0,
      H5Pset_obj_track_times(creation.id, false) >= 0,
      let dataset = HDF5Handle(
        H5Dcreate2(file, name, type, space, links.id, creation.id, HDF5Library.defaultList),
        H5Dclose)
    else { throw failure(name) }
    if let start, count > 0 {
      let status = H5Dwrite(
        dataset.id, type, HDF5Library.wholeSpace, HDF5Library.wholeSpace, HDF5Library.defaultList,
        start)
      guard status >= 0 else { throw failure(name) }
    }
    guard dataset.close() else { throw failure(name) }
  }

  private func attach(
    _ key: String, _ object: String, _ type: hid_t, _ value: UnsafeRawPointer
  ) -> Bool {
    guard let space = HDF5Handle(H5Screate(H5S_SCALAR), H5Sclose),
      let attribute = HDF5Handle(
        H5Acreate_by_name(
          file, object, key, type, space.id, HDF5Library.defaultList, HDF5Library.defaultList,
          HDF5Library.defaultList), H5Aclose),
      H5Awrite(attribute.id, type, value) >= 0
    else { return false }
    return attribute.close()
  }

  private func failure(_ what: String) -> Problem { Self.failure(path, "writing \"\(what)\"") }

  private static func failure(_ path: String, _ what: String) -> Problem {
    Problem(
      path,
      "\(what) failed; most likely no space is left on the device: free some space or choose"
        + " another directory", kind: .run)
  }
}
