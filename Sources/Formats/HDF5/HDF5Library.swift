// The library's type numbers are C globals that change once, when the library is opened.
@preconcurrency import CHDF5

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// What Swift cannot see of HDF5's C interface (macros), and the rules for calling it.
enum HDF5Library {
  // The macros' values, from H5Fpublic.h and its neighbours.
  static let defaultList: hid_t = 0  // H5P_DEFAULT
  static let wholeSpace: hid_t = 0  // H5S_ALL
  static let readOnly: UInt32 = 0  // H5F_ACC_RDONLY
  static let truncate: UInt32 = 2  // H5F_ACC_TRUNC

  /// The builds that Linux distributions ship have no lock of their own, so every use of the library
  /// goes through this one. Nested uses are fine.
  static func locked<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    lock.enter()
    defer { lock.leave() }
    return try body()
  }

  private static let lock = RecursiveLock()

  /// Opens the library and stops it from printing its error stack to standard error. It does nothing when the
  /// process ends: whoever opens a file closes it, and one that could not be written must not be touched again.
  static func open() {
    H5dont_atexit()
    H5open()
    H5Eset_auto2(defaultList, nil, nil)
  }
}

private final class RecursiveLock: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  init() {
    var attributes = pthread_mutexattr_t()
    pthread_mutexattr_init(&attributes)
    pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
    pthread_mutex_init(mutex, &attributes)
    pthread_mutexattr_destroy(&attributes)
  }

  func enter() { pthread_mutex_lock(mutex) }
  func leave() { pthread_mutex_unlock(mutex) }
}

/// An HDF5 object that is open; `close` is the library's call for its kind.
struct HDF5Handle: ~Copyable {
  let id: hid_t
  private let closeCall: @convention(c) (hid_t) -> herr_t

  /// Nil where `id` says that opening failed.
  init?(_ id: hid_t, _ closeCall: @convention(c) (hid_t) -> herr_t) {
    guard id >= 0 else { return nil }
    self.id = id
    self.closeCall = closeCall
  }

  deinit { _ = closeCall(id) }

  /// Closes now; false where that failed.
  consuming func close() -> Bool {
    let status = closeCall(id)
    discard self
    return status >= 0
  }
}

/// The element types that the toolkit stores.
package enum HDF5Type: String, Sendable, CaseIterable {
  case float32, float64, int32, int64, uint8

  package var size: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .uint8: 1
    }
  }

  /// The library's type for this machine's byte order; valid once the library is open.
  var native: hid_t {
    switch self {
    case .float32: H5T_NATIVE_FLOAT_g
    case .float64: H5T_NATIVE_DOUBLE_g
    case .int32: H5T_NATIVE_INT32_g
    case .int64: H5T_NATIVE_INT64_g
    case .uint8: H5T_NATIVE_UINT8_g
    }
  }
}

/// A Swift type that is stored as one of the element types.
package protocol HDF5Element: BitwiseCopyable {
  static var hdf5Type: HDF5Type { get }
  static var zero: Self { get }
}

extension Float: HDF5Element { package static var hdf5Type: HDF5Type { .float32 } }
extension Double: HDF5Element { package static var hdf5Type: HDF5Type { .float64 } }
extension Int32: HDF5Element { package static var hdf5Type: HDF5Type { .int32 } }
extension Int: HDF5Element { package static var hdf5Type: HDF5Type { .int64 } }
extension Int64: HDF5Element { package static var hdf5Type: HDF5Type { .int64 } }
extension UInt8: HDF5Element { package static var hdf5Type: HDF5Type { .uint8 } }

/// A small named value attached to the file or to a dataset.
package enum HDF5Attribute: Sendable, Equatable {
  case integer(Int)
  case number(Double)
  case string(String)
}

/// The variable-length UTF-8 string type, which h5py reads as `str`.
func withHDF5StringType<Result>(_ body: (hid_t) -> Result) -> Result? {
  guard let type = HDF5Handle(H5Tcopy(H5T_C_S1_g), H5Tclose),
    // H5T_VARIABLE is the largest size_t.
    H5Tset_size(type.id, Int(bitPattern: UInt.max)) >= 0,
    H5Tset_cset(type.id, H5T_CSET_UTF8) >= 0
  else { return nil }
  return body(type.id)
}
