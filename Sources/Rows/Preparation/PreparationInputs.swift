import Formats

/// The files that rows come from, in the order of reading.
struct PreparationInputs {
  private(set) var rows = 0
  private var inputs: [PreparationReport.Input] = []

  mutating func add(_ file: String, _ part: RowPart) {
    rows += 1
    if inputs.last.map({ !$0.path.utf8.elementsEqual(file.utf8) || $0.part != part }) ?? true {
      inputs.append(PreparationReport.Input(path: file, part: part))
    }
    inputs[inputs.count - 1].rows += 1
  }

  /// With the checksum of each file; what is no longer there to be read again, as a pipe, has none.
  func withDigests() -> [PreparationReport.Input] {
    inputs.map { input in
      var input = input
      input.digest = try? SHA256Digest(ofFile: input.path)
      return input
    }
  }
}
