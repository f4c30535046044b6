/// Where a base model lies, and what it is called where that is something else.
package struct BasePlace: Sendable {
  /// What an adapter calls its base: the path, or the repository that the model is from.
  package let name: String
  /// A Hugging Face directory or a GGUF file.
  package let path: String
  /// Of the repository.
  package let commit: String?

  package init(path: String) { self.init(name: path, path: path, commit: nil) }

  package init(name: String, path: String, commit: String?) {
    self.name = name
    self.path = path
    self.commit = commit
  }
}
