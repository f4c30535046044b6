import Formats

/// The GGUF models of a repository. One in several files, `NAME-00001-of-00003.gguf`, counts as one.
struct GGUFChoice {
  private let models: [(name: String, parts: [String])]

  var isEmpty: Bool { models.isEmpty }

  init(_ paths: [String]) {
    var models: [(name: String, parts: [String])] = []
    for path in paths where Self.isModel(path) {
      let name = Self.withoutPart(path)
      if let known = models.firstIndex(where: { $0.name == name }) {
        models[known].parts.append(path)
      } else {
        models.append((name, [path]))
      }
    }
    self.models = models
  }

  /// The files of the one model that there is.
  func only(_ name: HubName) throws(Problem) -> [String] {
    guard models.count > 1 else { return models.first?.parts ?? [] }
    throw Problem(
      name.description,
      "it holds \(models.count) GGUF models; choose one with --quant or \(name.id):\(Self.word(models[0].name))"
        + " among \(offered)")
  }

  /// The files of the model whose name holds a word such as `Q4_K_M`, as a word of its own.
  func named(_ word: String, _ name: HubName) throws(Problem) -> [String] {
    let found = models.filter { Self.words($0.name).contains(word.lowercased()) }
    if found.count == 1 { return found[0].parts }
    let place = "\(name.id)"
    if models.isEmpty { throw Problem(place, "there is no file \"\(word)\" in the repository") }
    throw Problem(
      place,
      found.isEmpty
        ? "no GGUF file for \"\(word)\"; there are \(offered)"
        : "\(found.count) GGUF files for \"\(word)\"; name one of them: "
          + found.prefix(10).map(\.name).joined(separator: ", "))
  }

  private var offered: String {
    let words = models.prefix(40).map { Self.word($0.name) }
    return words.joined(separator: ", ") + (models.count > 40 ? ", …" : "")
  }

  /// Vision parts and statistics of a quantizer are no models.
  private static func isModel(_ path: String) -> Bool {
    let name = RepositoryPath.lastComponent(path).lowercased()
    return name.hasSuffix(".gguf") && !name.contains("mmproj") && !name.contains("imatrix")
  }

  private static func withoutPart(_ path: String) -> String {
    path.replacing(/-\d{5}-of-\d{5}\.gguf$/, with: ".gguf")
  }

  /// Parts of the name between `-`, `.` and `/`, in lower case: a quantization has none of those in it.
  private static func words(_ name: String) -> [String] {
    name.lowercased().split { "-./".contains($0) }.map(String.init)
  }

  /// The quantization in a file's name, or the name where none is seen.
  private static func word(_ name: String) -> String {
    let words = name.split { "-./".contains($0) }.map(String.init)
    let quantization = words.last {
      $0.uppercased().wholeMatch(of: /(I?Q\d\w*|TQ\d\w*|B?F16|F32|MXFP4\w*)/) != nil
    }
    return quantization ?? name
  }
}
