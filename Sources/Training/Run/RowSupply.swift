import Formats
import Foundation
import Model
import Recipes
import Rows

/// Where a run gets its rows: from memory, or from a cache on disk, as the recipe says.
struct RowSupply {
  /// Files of at least so many bytes are worth a cache.
  static let cachedBytes = 64 << 20

  /// Of the files of rows.
  let checksums: FileChecksums
  private let caching: RowCaching
  private let directory: String
  private let onEvent: (TrainingEvent) -> Void

  init(
    recipe: Recipe, environment: [String: String] = ProcessInfo.processInfo.environment,
    onEvent: @escaping (TrainingEvent) -> Void
  ) {
    let data = recipe.data
    directory = data.cacheDirectory ?? Self.directory(environment)
    self.onEvent = onEvent
    let isLarge = Self.bytes(data.train + data.validation) >= Self.cachedBytes
    caching = data.cache == .auto && !isLarge ? .never : data.cache
    checksums = FileChecksums(in: caching == .never ? nil : directory)
  }

  /// `$XDG_CACHE_HOME/finetune/rows`, by default `~/.cache/finetune/rows`.
  private static func directory(_ environment: [String: String]) -> String {
    if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") {
      return cache + "/finetune/rows"
    }
    return (environment["HOME"] ?? NSHomeDirectory()) + "/.cache/finetune/rows"
  }

  /// Of files that are there; what is missing is told by whoever reads.
  private static func bytes(_ sources: [DataSource]) -> Int {
    let files = sources.flatMap { (try? RowFiles.expand($0.path)) ?? [] }
    return files.reduce(0) { $0 + (FileIdentity($1)?.size ?? 0) }
  }

  func load(_ loading: RowLoading, base: OpenedModel) throws -> RowSet {
    let progress = { onEvent(.rows($0)) }
    guard try isCached() else { return try RowSet.load(loading, progress: progress) }
    // The vocabulary of a GGUF file is no file of its own.
    let tokenizer =
      try base.tokenizerHash() + (base.files.gguf == nil ? "" : base.files.fingerprint)
    return try RowCache(directory: directory, checksums: checksums).load(
      loading, tokenizer: tokenizer, remark: { onEvent(.warning($0)) }, progress: progress)
  }

  /// Whether a cache is wanted, and can be written where that is not for certain.
  private func isCached() throws -> Bool {
    switch caching {
    case .never: return false
    case .always: return true
    case .auto:
      guard (try? createDirectory(directory)) != nil, access(directory, W_OK) == 0 else {
        onEvent(
          .warning(
            "\(directory): the directory cannot be written, so all rows are held in memory; name another in"
              + " data.cache_directory"))
        return false
      }
      return true
    }
  }
}
