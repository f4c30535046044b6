@preconcurrency import CHDF5

/// Writes a new HDF5 file: arrays and strings under slash-separated names, with attributes.
///
/// Arrays are contiguous and uncompressed, without time stamps: equal contents make equal bytes.
///
/// The library builds the file in memory and `close` writes it. On a full disk the library crashes
/// while it writes its own tables (seen with 1.10.8), and a run must end with a sentence instead.
package final class HDF5Writer {
  package let path: String
  private let output: OutputFile
  private var file: hid_t
  /// By how much the memory grows at once, in bytes.
  private static let growth = 1 << 20

  /// Creates the file, or empties it.
  package init(_ path: String) throws(Problem) {
    output = try OutputFile(path)
    file = HDF5Library.locked {
      HDF5Library.open()
      guard let access = HDF5Handle(H5Pcreate(H5P_CLS_FILE_ACCESS_ID_g), H5Pclose),
        H5Pset_fapl_core(access.id, Self.growth, false) >= 0
      else { return -1 }
      return H5Fcreate(path, HDF5Library.truncate, HDF5Library.defaultList, access.id)
    }
    self.path = path
    guard file >= 0 else { throw failure("the start of the file") }
  }

  deinit {
    if file >= 0 { abandon() }
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
    defer { abandon() }
    let fault = HDF5Library.locked { () -> Problem? in
      // The handle of the memory driver is the address of its pointer to the bytes.
      var handle: UnsafeMutableRawPointer?
      guard H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0,
        H5Fget_vfd_handle(file, HDF5Library.defaultList, &handle) >= 0,
        let memory = handle?.load(as: UnsafeMutableRawPointer?.self)
      else { return failure("the end of the file") }
      let byteCount = H5Fget_file_image(file, nil, 0)
      guard byteCount > 0 else { return failure("the end of the file") }
      return problem {
        () throws(Problem) in
        try output.requireSpace(byteCount)
        try output.write(UnsafeRawBufferPointer(start: memory, count: byteCount))
      }
    }
    if let fault { throw fault }
    try output.synchronize()
    try output.close()
  }

  private func abandon() {
    _ = HDF5Library.locked { H5Fclose(file) }
    file = -1
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
          problem { () throws(Problem) in
            try write(
              pointers.baseAddress, type: type, space: space.id, count: pointers.count, as: name)
          }
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

  private func failure(_ what: String) -> Problem {
    Problem(path, "making \"\(what)\" failed; most likely there is no memory left", kind: .run)
  }
}

/// What `body` throws.
private func problem(_ body: () throws(Problem) -> Void) -> Problem? {
  do throws(Problem) { try body() } catch { return error }
  return nil
}
