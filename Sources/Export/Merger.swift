import Model
import Text
package import Tensors

/// `finetune merge`: base + adapter → one Hugging Face directory.
///
///     W' = W + s · B A
///
/// Computed in float32, tensor by tensor, then rounded once to the type that is written.
package enum Merger {
  /// - Parameters:
  ///   - output: New directory.
  ///   - warn: Gets a sentence for each doubt about the adapter.
  package static func run(
    model path: String, adapter: String, output: String, type: DataType,
    warn: (String) -> Void = { _ in }, progress: (Double) -> Void = { _ in }
  ) throws {
    let files = try PretrainedFiles.open(path)
    let loaded = try AdapterDirectory.load(
      adapter, linears: files.specification.linears, baseFingerprint: files.fingerprint)
    for warning in loaded.warnings { warn(warning) }
    if let template = try ChatTemplate.template(ofAdapter: adapter),
      try ChatTemplate.load(files.tokenizerPath, gguf: files.gguf)?.source != template.source
    {
      warn(
        "the model gets the chat template that the adapter was trained with, not the base model's")
    }
    let workspace = Workspace()
    let groups = files.tensorGroups(as: type) { site, weight in
      loaded.adapters[site]?.merge(into: weight, workspace: workspace)
    }
    try files.directoryWriter(adapter: adapter).write(
      to: output, groups: groups, type: type, progress: progress)
  }
}
