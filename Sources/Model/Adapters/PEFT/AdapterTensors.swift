import Formats
package import Tensors

/// Hands out the tensors of an adapter file, module by module, and collects everything that does not
/// fit the base model.
package struct AdapterTensors {
  private let file: SafetensorsFile
  private var problems: [String] = []
  private var used: Set<String> = []

  init(_ file: SafetensorsFile) { self.file = file }

  /// The tensors of one module as float32, in memory of their own; nil where the file has none of them,
  /// or where one is missing or has another shape, which `finish` reports.
  package mutating func take(_ wanted: [(name: String, shape: [Int])]) -> [Tensor]? {
    used.formUnion(wanted.map(\.name))
    let found = wanted.map { file.tensors[$0.name]?.shape }
    if found.allSatisfy({ $0 == nil }) { return nil }
    var fits = true
    for (want, shape) in zip(wanted, found) where shape != want.shape {
      fits = false
      problems.append(
        shape.map {
          "\"\(want.name)\" is \($0), the base model and the rank imply \(want.shape)"
        } ?? "\"\(want.name)\" is missing beside its counterpart")
    }
    guard fits else { return nil }
    do {
      return try wanted.map { try file.float32($0.name) }
    } catch {
      problems.append("\(error)")
      return nil
    }
  }

  /// Throws all that was found wrong.
  func finish() throws(Problem) {
    var problems = problems
    let leftover = file.names.filter { !used.contains($0) }
    if let first = leftover.first {
      problems.append(
        leftover.count == 1
          ? "\"\(first)\" belongs to no linear layer of the base model"
          : "\(leftover.count) tensors, \"\(first)\" first, belong to no linear layer of the base model"
      )
    }
    if used.isDisjoint(with: file.names) {
      problems.append("it holds no adapter tensor for this model")
    }
    guard problems.isEmpty else {
      let shown = problems.prefix(8) + (problems.count > 8 ? ["… \(problems.count - 8) more"] : [])
      throw Problem(
        heading: "\(file.path) cannot be used on this base model; use the one it was trained on",
        problems: Array(shown))
    }
  }
}
