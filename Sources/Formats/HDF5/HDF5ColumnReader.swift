@preconcurrency import CHDF5

/// Reads stretches of the columns that `HDF5ColumnWriter` wrote.
///
/// Only for files whose bytes are known to be what was written: the library does not survive all others.
/// Sendable because every use of the library holds its lock.
package final class HDF5ColumnReader: @unchecked Sendable {
  package let path: String
  private let file: hid_t
  /// Open datasets by name; guarded by the library's lock. Each keeps chunks that were read last.
  private var datasets: [String: Dataset] = [:]

  private struct Dataset {
    let id: hid_t
    let type: HDF5Type
    let count: Int
  }

  package init(_ path: String) throws(Problem) {
    _ = try InputFile(path).size
    self.path = path
    file = HDF5Library.locked {
      HDF5Library.open()
      return H5Fopen(path, HDF5Library.readOnly, HDF5Library.defaultList)
    }
    guard file >= 0 else { throw damaged("the start of the file") }
  }

  deinit {
    HDF5Library.locked {
      for dataset in datasets.values { H5Dclose(dataset.id) }
      if file >= 0 { H5Fclose(file) }
    }
  }

  /// Elements of a column; nil where there is none of this name and type.
  package func count<Element: HDF5Element>(_ name: String, of type: Element.Type) -> Int? {
    HDF5Library.locked {
      guard let dataset = dataset(name), dataset.type == type.hdf5Type else { return nil }
      return dataset.count
    }
  }

  /// Some elements of a column; nil: all.
  ///
  /// - Throws: Where they are not there, or do not have their checksum.
  package func read<Element: HDF5Element>(
    _ name: String, _ range: Range<Int>? = nil, of type: Element.Type = Element.self
  ) throws(Problem) -> [Element] {
    try HDF5Library.locked { () throws(Problem) in
      guard let dataset = dataset(name), dataset.type == type.hdf5Type else { throw damaged(name) }
      let range = range ?? 0..<dataset.count
      guard range.lowerBound >= 0, range.upperBound <= dataset.count else { throw damaged(name) }
      var values = [Element](repeating: .zero, count: range.count)
      guard !range.isEmpty else { return values }
      let isRead = values.withUnsafeMutableBytes { read(dataset, range, into: $0.baseAddress) }
      guard isRead else { throw damaged(name) }
      return values
    }
  }

  private func read(
    _ dataset: Dataset, _ range: Range<Int>, into target: UnsafeMutableRawPointer?
  ) -> Bool {
    var (first, count) = (hsize_t(range.lowerBound), hsize_t(range.count))
    guard let memory = HDF5Handle(H5Screate_simple(1, &count, nil), H5Sclose),
      let space = HDF5Handle(H5Dget_space(dataset.id), H5Sclose),
      H5Sselect_hyperslab(space.id, H5S_SELECT_SET, &first, nil, &count, nil) >= 0
    else { return false }
    return H5Dread(
      dataset.id, dataset.type.native, memory.id, space.id, HDF5Library.defaultList, target) >= 0
  }

  /// The open dataset of a name.
  private func dataset(_ name: String) -> Dataset? {
    if let known = datasets[name] { return known }
    let id = H5Dopen2(file, name, HDF5Library.defaultList)
    guard id >= 0 else { return nil }
    guard let dataset = Self.describe(id) else {
      H5Dclose(id)
      return nil
    }
    datasets[name] = dataset
    return dataset
  }

  private static func describe(_ id: hid_t) -> Dataset? {
    guard let stored = HDF5Handle(H5Dget_type(id), H5Tclose),
      let type = HDF5Type.allCases.first(where: { H5Tequal(stored.id, $0.native) > 0 }),
      let space = HDF5Handle(H5Dget_space(id), H5Sclose),
      H5Sget_simple_extent_ndims(space.id) == 1
    else { return nil }
    var size = hsize_t(0)
    guard H5Sget_simple_extent_dims(space.id, &size, nil) == 1, let count = Int(exactly: size)
    else { return nil }
    return Dataset(id: id, type: type, count: count)
  }

  private func damaged(_ what: String) -> Problem {
    Problem(path, "\"\(what)\" cannot be read; the file is damaged, delete it", kind: .run)
  }
}
