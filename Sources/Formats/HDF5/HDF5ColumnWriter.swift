@preconcurrency import CHDF5

/// Writes a new HDF5 file of columns that grow: one-dimensional arrays, compressed in chunks, each chunk with a
/// checksum. Memory holds one chunk of each.
///
/// Equal contents make equal bytes.
package final class HDF5ColumnWriter {
  package let path: String
  /// Looks after the space on the disk.
  private let output: OutputFile
  private var file: hid_t
  private var columns: [any HDF5GrowingColumn] = []

  /// Creates the file, or empties it.
  package init(_ path: String) throws(Problem) {
    output = try OutputFile(path)
    self.path = path
    file = HDF5Library.locked {
      HDF5Library.open()
      return H5Fcreate(
        path, HDF5Library.truncate, HDF5Library.defaultList, HDF5Library.defaultList)
    }
    guard file >= 0 else {
      throw Problem(path, "creating the file failed; check the directory", kind: .run)
    }
  }

  /// Where the file was not completed it is closed as it is, if the disk can take that.
  deinit {
    guard file >= 0, (try? requireSpace(0)) != nil else { return }
    HDF5Library.locked {
      for column in columns { column.drop() }
      _ = H5Fclose(file)
    }
  }

  /// Starts a column.
  ///
  /// - Parameter chunk: Elements that are compressed, and later read, together.
  package func column<Element: HDF5Element>(
    _ name: String, of type: Element.Type, chunk: Int = 1 << 14
  ) throws(Problem) -> HDF5Column<Element> {
    let dataset = HDF5Library.locked { Self.create(name, type.hdf5Type, chunk: chunk, in: file) }
    guard let dataset else { throw failure(name) }
    let column = HDF5Column<Element>(name: name, dataset: dataset, chunk: chunk, writer: self)
    columns.append(column)
    return column
  }

  private static func create(
    _ name: String, _ type: HDF5Type, chunk: Int, in file: hid_t
  ) -> hid_t? {
    var (none, sizes, limits) = (hsize_t(0), hsize_t(chunk), hsize_t.max)
    guard let space = HDF5Handle(H5Screate_simple(1, &none, &limits), H5Sclose),
      let links = HDF5Handle(H5Pcreate(H5P_CLS_LINK_CREATE_ID_g), H5Pclose),
      let creation = HDF5Handle(H5Pcreate(H5P_CLS_DATASET_CREATE_ID_g), H5Pclose),
      H5Pset_create_intermediate_group(links.id, 1) >= 0,
      H5Pset_obj_track_times(creation.id, false) >= 0,
      H5Pset_chunk(creation.id, 1, &sizes) >= 0,
      // Bytes of one rank side by side compress far better; the fastest level is nearly as good as the best.
      H5Pset_shuffle(creation.id) >= 0, H5Pset_deflate(creation.id, 1) >= 0,
      H5Pset_fletcher32(creation.id) >= 0
    else { return nil }
    let dataset = H5Dcreate2(
      file, name, type.native, space.id, links.id, creation.id, HDF5Library.defaultList)
    return dataset >= 0 ? dataset : nil
  }

  /// Completes the file and brings it to the disk.
  package func close() throws(Problem) {
    precondition(file >= 0, "\(path) was closed before")
    while let column = columns.last {
      try column.close()
      columns.removeLast()
    }
    try requireSpace(Self.spare)
    let isClosed = HDF5Library.locked { H5Fclose(file) >= 0 }
    file = -1
    guard isClosed else { throw failure("the end of the file") }
    try output.synchronize()
    try output.close()
  }

  // MARK: - For the columns

  /// What the library's own tables may take at any moment.
  private static let spare = 32 << 20

  /// The library crashes where it cannot write its own tables (seen with 1.10.8), so a disk that is nearly
  /// full is noticed before.
  fileprivate func requireSpace(_ byteCount: Int) throws(Problem) {
    try output.requireSpace(byteCount + Self.spare)
  }

  /// After a write that failed nothing of the file may be touched again, or the library crashes.
  fileprivate func abandon(_ what: String) -> Problem {
    file = -1
    columns = []
    return failure(what)
  }

  private func failure(_ what: String) -> Problem {
    Problem(path, "writing \"\(what)\" failed; check the disk and the space on it", kind: .run)
  }
}

/// A column of any type.
private protocol HDF5GrowingColumn: AnyObject {
  func close() throws(Problem)
  /// Closes it without what is not written yet.
  func drop()
}

/// A one-dimensional array of a file, while it grows.
package final class HDF5Column<Element: HDF5Element>: HDF5GrowingColumn {
  private let name: String
  private let dataset: hid_t
  private let chunk: Int
  private unowned let writer: HDF5ColumnWriter
  private var buffer: [Element] = []
  private var written = 0

  fileprivate init(name: String, dataset: hid_t, chunk: Int, writer: HDF5ColumnWriter) {
    self.name = name
    self.dataset = dataset
    self.chunk = chunk
    self.writer = writer
  }

  /// Elements that it has by now.
  package var count: Int { written + buffer.count }

  package func append(_ element: Element) throws(Problem) {
    buffer.append(element)
    if buffer.count == chunk { try flush() }
  }

  package func append(_ elements: some Collection<Element>) throws(Problem) {
    for element in elements { try append(element) }
  }

  private func flush() throws(Problem) {
    guard !buffer.isEmpty else { return }
    let bytes = buffer.count * Element.hdf5Type.size
    try writer.requireSpace(bytes)
    let isWritten = buffer.withUnsafeBytes { bytes in
      HDF5Library.locked { write(bytes.baseAddress) }
    }
    guard isWritten else { throw writer.abandon(name) }
    written += buffer.count
    buffer.removeAll(keepingCapacity: true)
  }

  private func write(_ start: UnsafeRawPointer?) -> Bool {
    var (first, count) = (hsize_t(written), hsize_t(buffer.count))
    var size = first + count
    guard H5Dset_extent(dataset, &size) >= 0,
      let memory = HDF5Handle(H5Screate_simple(1, &count, nil), H5Sclose),
      let space = HDF5Handle(H5Dget_space(dataset), H5Sclose),
      H5Sselect_hyperslab(space.id, H5S_SELECT_SET, &first, nil, &count, nil) >= 0
    else { return false }
    return H5Dwrite(
      dataset, Element.hdf5Type.native, memory.id, space.id, HDF5Library.defaultList, start) >= 0
  }

  fileprivate func close() throws(Problem) {
    try flush()
    guard HDF5Library.locked({ H5Dclose(dataset) >= 0 }) else { throw writer.abandon(name) }
  }

  fileprivate func drop() { _ = H5Dclose(dataset) }
}
