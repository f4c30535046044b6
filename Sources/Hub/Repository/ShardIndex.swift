import Formats

/// `model.safetensors.index.json`: which files hold a model's weights.
enum ShardIndex {
  private static let most = 10_000

  /// The files that the index names, in order.
  static func files(_ path: String, place: String) throws(Problem) -> [String] {
    guard let map = try readJSON(path)["weight_map"]?.object else {
      throw Problem(place, "it has no \"weight_map\"; use another revision of the model")
    }
    var files: Set<String> = []
    for (_, file) in map.members {
      guard let name = file.string, RepositoryPath.isSafe(name), name.hasSuffix(".safetensors")
      else {
        throw Problem(
          place, "it names a file that is no safetensors file of the repository; do not use it")
      }
      files.insert(name)
    }
    guard files.count <= most else {
      throw Problem(place, "it names \(files.count) files; do not use it")
    }
    return files.sorted()
  }
}
