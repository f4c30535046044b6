/// Models that `llama-gguf-split` has cut into files `NAME-00001-of-00003.gguf`, …: the first has the
/// metadata, each has its number (`split.no`, from 0), how many there are (`split.count`) and some tensors.
package enum GGUFSplit {
  /// Larger numbers of parts are mistakes.
  private static let maximumParts = 10_000

  /// The part itself, or all parts of the model that it begins.
  static func parts(from first: GGUFPart) throws(Problem) -> [GGUFPart] {
    let path = first.file.path
    guard let count = first.metadata["split.count"]?.integer, count > 1 else { return [first] }
    guard count <= maximumParts else {
      throw Problem(
        path, "\"split.count\" is \(count), expected 1 to \(maximumParts); the file is damaged")
    }
    let name = Name(lastPathComponent(path))
    guard let name, name.count == count else {
      throw Problem(
        path,
        "the model is in \(count) parts, expected a name that ends in"
          + " -\(Name.digits(1))-of-\(Name.digits(count)).gguf; rename the files back")
    }
    let directory = parentDirectory(of: path)
    guard name.number == 1, number(of: first) == 0 else {
      throw Problem(
        path,
        "this is part \(name.number) of \(count) of a model; name the first,"
          + " \(name.with(number: 1)), and keep the others beside it")
    }
    var parts = [first]
    for number in 2...count {
      let path = "\(directory)/\(name.with(number: number))"
      guard fileExists(path) else {
        throw Problem(
          path, "part \(number) of \(count) of the model is missing; download it again")
      }
      let part = try GGUFPart(path, index: number - 1)
      guard self.number(of: part) == number - 1, part.metadata["split.count"]?.integer == count
      else {
        throw Problem(
          path,
          "the file says that it is part \((self.number(of: part) ?? 0) + 1) of"
            + " \(part.metadata["split.count"]?.integer ?? 1), expected \(number) of \(count); the"
            + " parts do not belong together")
      }
      parts.append(part)
    }
    let tensors = parts.reduce(0) { $0 + $1.names.count }
    if let expected = first.metadata["split.tensors.count"]?.integer, expected != tensors {
      throw Problem(
        path,
        "the \(count) parts hold \(tensors) tensors, expected \(expected); the parts do not belong"
          + " together, download them again")
    }
    return parts
  }

  private static func number(of part: GGUFPart) -> Int? { part.metadata["split.no"]?.integer }

  /// The first part, where these are the names of all parts of one model and nothing else.
  package static func firstPart(ofAll names: [String]) -> String? {
    let parsed = names.map(Name.init)
    guard let first = parsed.compactMap({ $0 }).first, first.count == names.count,
      parsed.allSatisfy({ $0?.stem == first.stem && $0?.count == first.count }),
      Set(parsed.compactMap { $0?.number }) == Set(1...first.count)
    else { return nil }
    return first.with(number: 1)
  }

  /// `NAME-00002-of-00003.gguf`
  private struct Name {
    let stem: Substring
    let number: Int
    let count: Int

    init?(_ file: String) {
      guard let match = file.wholeMatch(of: /(.*)-([0-9]{5})-of-([0-9]{5})\.gguf/),
        let number = Int(match.2), let count = Int(match.3), number >= 1, number <= count
      else { return nil }
      stem = match.1
      self.number = number
      self.count = count
    }

    func with(number: Int) -> String {
      "\(stem)-\(Self.digits(number))-of-\(Self.digits(count)).gguf"
    }

    static func digits(_ number: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, 5 - text.count)) + text
    }
  }
}
