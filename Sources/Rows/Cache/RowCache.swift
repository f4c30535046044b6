package import Formats

/// Rows that were made tokens of once, on disk: a directory for each set of rows, named by everything that
/// decides what is in it. Several runs may use and build caches in one directory at the same time.
package struct RowCache {
  /// Where the caches are.
  package let directory: String
  /// Of the files of rows, and of the caches' own.
  package let checksums: FileChecksums
  /// Tokens that are sorted in memory while a cache is built.
  var sortedTokens = 1 << 23

  package init(directory: String, checksums: FileChecksums) {
    self.directory = directory
    self.checksums = checksums
  }

  /// The rows from a cache, which is built where there is none or it is not whole.
  ///
  /// - Parameters:
  ///   - tokenizer: A sum of all that decides which tokens a text becomes.
  ///   - remark: Gets a sentence where a cache has to be built again.
  ///   - progress: Called now and then while one is built.
  /// - Throws: What `RowSet.load` throws, and where a cache cannot be written.
  package func load(
    _ loading: RowLoading, tokenizer: String, remark: (String) -> Void = { _ in },
    progress: (RowsRead) -> Void = { _ in }
  ) throws(Problem) -> RowSet {
    let key = try RowCacheKey(loading, tokenizer: tokenizer, checksums: checksums)
    let place = "\(directory)/\(key.name)"
    if directoryExists(place) {
      do {
        let set = try open(place, key, loading)
        saveChecksums()
        return set
      } catch {
        remark("the cached rows are made again: \(error)")
      }
    }
    return try build(key, at: place, loading, progress)
  }

  /// Opens the cache in a directory. The library for HDF5 sees nothing whose bytes have changed.
  private func open(
    _ place: String, _ key: RowCacheKey, _ loading: RowLoading
  ) throws(Problem) -> RowSet {
    let manifest = try RowCacheManifest(in: place, key: key.parts)
    for name in [RowCacheManifest.tokens, RowCacheManifest.verdicts] {
      let path = "\(place)/\(name)"
      guard let sum = manifest.sums[name], let file = FileIdentity(path) else {
        throw Problem(path, "the file is missing")
      }
      guard file.size == sum.size, try checksums.matches(path, sum.hex) else {
        throw Problem(path, "the file is cut or damaged")
      }
    }
    let rows = try CachedRowStore(
      "\(place)/\(RowCacheManifest.tokens)", files: manifest.files)
    guard rows.count == manifest.summary.rows else {
      throw Problem(place, "there are \(rows.count) rows in it, not \(manifest.summary.rows)")
    }
    return RowSet(
      loading, rows, manifest.summary, .file("\(place)/\(RowCacheManifest.verdicts)"))
  }

  private func build(
    _ key: RowCacheKey, at place: String, _ loading: RowLoading,
    _ progress: (RowsRead) -> Void
  ) throws(Problem) -> RowSet {
    let building = try CacheDirectory(place)
    let writer = try RowCacheWriter(building.path, sortedTokens: sortedTokens)
    let summary = try loading.run(progress: progress) { row, source throws(Problem) in
      try writer.add(row, source: source)
    }
    try key.checkUnchanged()
    let manifest = try writer.finish(key: key.parts, summary: summary)
    // Another run may have built the same meanwhile; its cache is in use then.
    if try building.commit(unless: { (try? open(place, key, loading)) != nil }) {
      for (name, sum) in manifest.sums { checksums.remember(sum.hex, ofOwn: "\(place)/\(name)") }
    }
    saveChecksums()
    return try open(place, key, loading)
  }

  /// Without its index the next start takes longer, no more.
  private func saveChecksums() { try? checksums.save() }
}
