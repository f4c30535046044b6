#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Turns the error number of a failed system call into a sentence for a person.
enum SystemFault {
  /// Opening or reading `path` failed: the fault of what was named (exit code 2).
  static func reading(_ path: String, _ code: Int32 = errno) -> Problem {
    switch code {
    case ENOENT, ENOTDIR:
      Problem(path, "there is no such file; check the path")
    case EACCES, EPERM:
      Problem(path, "no permission to read it; change the permissions or run as its owner")
    case EISDIR:
      directoryInsteadOfFile(path)
    default:
      Problem(path, "reading failed: \(text(code)); check the disk", kind: .run)
    }
  }

  /// Creating, writing or renaming `path` failed: the run cannot go on (exit code 1).
  static func writing(_ path: String, _ code: Int32 = errno) -> Problem {
    switch code {
    case ENOSPC, EDQUOT:
      Problem(
        path, "no space left on the device; free some space or choose another directory",
        kind: .run)
    case EACCES, EPERM, EROFS:
      Problem(path, "no permission to write it; choose another directory", kind: .run)
    case EISDIR, EEXIST, ENOTEMPTY:
      Problem(path, "it exists already; remove it or choose another name", kind: .run)
    default:
      Problem(path, "writing failed: \(text(code)); check the disk", kind: .run)
    }
  }

  static func directoryInsteadOfFile(_ path: String) -> Problem {
    Problem(path, "this is a directory, expected a file; name the file inside it")
  }

  static func text(_ code: Int32) -> String { String(cString: strerror(code)).lowercased() }
}
