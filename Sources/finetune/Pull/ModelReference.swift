import Formats
import Hub
import Recipes
import Training

/// What `--model`, `--adapter` or `model.path` means: a path that exists, else a repository of the hub,
/// `OWNER/NAME[@REVISION][:FILE]`, which is taken from the cache and, where that lacks it, pulled.
///
/// A repository that is in the cache is used as it is; only `finetune pull` looks for a newer commit, so
/// that a model does not change between training and merging.
enum ModelReference {
  /// The path to load from.
  static func path(_ text: String) throws -> String { try place(text).path }

  /// The same without asking the hub; nil for a model that is not on this machine.
  static func local(_ text: String) -> String? {
    if exists(text) { return text }
    guard let name = HubName(text), name.kind == .model, let settings = try? HubDownload.settings()
    else { return nil }
    return cached(name, HubCache(settings.cache))?.path
  }

  static func paths(_ texts: [String]) throws -> [String] { try texts.map { try path($0) } }

  /// The base of a recipe. A run that is continued keeps the commit that it began with.
  static func base(of recipe: Recipe, resume: Bool) throws -> BasePlace {
    let began = resume ? RunRecord.baseCommit(in: RunDirectory(recipe.output.directory)) : nil
    return try place(recipe.model.path, commit: began)
  }

  /// - Parameter commit: To be used instead of what the revision is of now.
  static func place(_ text: String, commit: String? = nil) throws -> BasePlace {
    guard !exists(text), var name = HubName(text), name.kind == .model else {
      return BasePlace(path: text)
    }
    if let commit, HubName.isCommit(commit) { name = name.at(commit: commit) }
    let settings = try HubDownload.settings()
    let cache = HubCache(settings.cache)
    if let place = cached(name, cache) { return place }
    guard isRepository(text) else {
      throw Problem(
        text,
        "there is no such file or directory; check the path, or get a model of this name from the hub"
          + " with: finetune pull \(shellQuoted(text))")
    }
    guard !settings.isOffline else {
      throw Problem(
        text,
        "there is no such file or directory, and no whole model of this name in \(settings.cache), beyond"
          + " which nothing is asked while HF_HUB_OFFLINE is set; pull it once without")
    }
    let snapshot = try pulled(name, text, settings)
    return cached(name.at(commit: snapshot.commit), cache)
      ?? BasePlace(name: name.id, path: snapshot.path, commit: snapshot.commit)
  }

  /// Whether a path that does not exist is taken for a name: "runs/latset" is more likely a slip than a
  /// repository of somebody called "runs", where there is such a folder.
  static func isRepository(_ text: String) -> Bool {
    guard !exists(text), let name = HubName(text) else { return false }
    return name.kind == .model && !directoryExists(name.owner)
  }

  private static func cached(_ name: HubName, _ cache: HubCache) -> BasePlace? {
    guard let snapshot = CachedSnapshot(name, in: cache), let path = snapshot.modelPath else {
      return nil
    }
    return BasePlace(name: name.id, path: path, commit: snapshot.commit)
  }

  private static func pulled(
    _ name: HubName, _ text: String, _ settings: HubSettings
  ) throws -> RepositoryPull.Snapshot {
    do {
      return try HubDownload.run(RepositoryPull(name, settings: settings))
    } catch let problem as Problem where problem.kind == .input {
      let place = "\(name): "
      let sentence = problem.description
      let rest = sentence.hasPrefix(place) ? String(sentence.dropFirst(place.count)) : sentence
      throw Problem(text, "there is no such file or directory, and \(rest)")
    }
  }

  private static func exists(_ path: String) -> Bool { fileExists(path) || directoryExists(path) }
}
