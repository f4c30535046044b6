/// A GGUF model, mapped: typed metadata and named tensors, of one file or of the parts that
/// `llama-gguf-split` cuts one into. The metadata is that of the first part.
package final class GGUFFile: Sendable {
  package struct Entry: Sendable, Equatable {
    package let type: GGMLType
    /// As PyTorch says it: outermost dimension first (the file stores the reverse).
    package let shape: [Int]
    /// Byte range in its file.
    package let range: Range<Int>
    /// Which of `files` it is in.
    package let part: Int
  }

  package static let magic: [UInt8] = Array("GGUF".utf8)

  /// The file, or all parts in their order.
  package let files: [MappedFile]
  package let version: Int
  /// Keys are ASCII, such as `llama.block_count`.
  package let metadata: [String: GGUFValue]
  package let tensors: [String: Entry]
  /// Tensor names in file order.
  package let names: [String]

  /// The file, or the first part.
  package var path: String { files[0].path }

  /// - Parameter path: The file; of a model in parts the first.
  /// - Throws: A `Problem` for a file that is cut, damaged or not GGUF, and for parts that are missing or
  ///   do not belong together.
  package init(_ path: String) throws(Problem) {
    let parts = try GGUFSplit.parts(from: try GGUFPart(path))
    var tensors: [String: Entry] = [:]
    for part in parts {
      for (name, entry) in part.tensors {
        guard let other = tensors.updateValue(entry, forKey: name) else { continue }
        throw Problem(
          part.file.path,
          "tensor \"\(name)\" stands also in \(lastPathComponent(parts[other.part].file.path)); the"
            + " parts do not belong together, download them again")
      }
    }
    files = parts.map(\.file)
    version = parts[0].version
    metadata = parts[0].metadata
    names = parts.flatMap(\.names)
    self.tensors = tensors
  }

  /// Calls `body` with the stored bytes of a tensor that `tensors` lists; they must not escape.
  package func withBytes<Result, Failure: Error>(
    of name: String, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard let entry = tensors[name] else { preconditionFailure("no tensor \(name) in \(path)") }
    return try files[entry.part].withBytes(entry.range, body)
  }

  /// Gives back the memory that reading a tensor took.
  package func forget(_ name: String) {
    guard let entry = tensors[name] else { return }
    files[entry.part].forget(entry.range)
  }
}
