/// An adapter on disk, in PEFT's layout or in that of mlx-lm.
package enum AdapterDirectory {
  /// - Parameters:
  ///   - linears: The base model's linear layers.
  ///   - baseFingerprint: Of the model's files; a different one in the adapter is a warning.
  ///   - dropout: Overrides what the configuration says; 0 where nothing is trained.
  package static func load(
    _ directory: String, linears: [Site], baseFingerprint: String, dropout: Double = 0
  ) throws -> PEFTDirectory.Loaded {
    if MLXDirectory.isAt(directory) {
      return try MLXDirectory.load(directory, linears: linears, dropout: dropout)
    }
    return try PEFTDirectory.load(
      directory, linears: linears, baseFingerprint: baseFingerprint, dropout: dropout)
  }
}
