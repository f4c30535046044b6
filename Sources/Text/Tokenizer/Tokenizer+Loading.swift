package import Formats

extension Tokenizer {
  /// Loads the tokenizer of a model.
  ///
  /// - Parameters:
  ///   - path: A Hugging Face directory (with `tokenizer.json`) or a GGUF file, which may hold nothing
  ///     but a vocabulary.
  ///   - gguf: The file of that path where it is open already.
  /// - Throws: A `Problem` that names what is missing, damaged or not supported.
  package static func load(_ path: String, gguf: GGUFFile? = nil) throws(Problem) -> Tokenizer {
    if let gguf { return Tokenizer(try GGUFTokenizer(gguf).definition()) }
    guard directoryExists(path) else { return try load(path, gguf: try GGUFFile(path)) }
    let file = path + "/tokenizer.json"
    guard fileExists(file) else { throw missing(in: path) }
    return Tokenizer(try TokenizerFile(file).definition())
  }

  private static func missing(in directory: String) -> Problem {
    for name in ["tokenizer.model", "spiece.model", "vocab.txt"]
    where fileExists("\(directory)/\(name)") {
      let kind = name == "vocab.txt" ? "WordPiece" : "SentencePiece"
      return unsupported(kind, "\(directory)/\(name)")
    }
    return Problem(
      directory,
      "there is no tokenizer.json in it; name a Hugging Face model directory or a GGUF file")
  }

  /// The error for a tokenizer that is none of byte-level byte-pair encoding.
  static func unsupported(_ type: String, _ place: String) -> Problem {
    Problem(
      place,
      "tokenizer type \"\(type)\" is not supported yet; use a model with a byte-level BPE tokenizer"
    )
  }
}
