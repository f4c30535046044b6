import Formats
import Model
import Tensors
import Text

/// Type of the weights that merging writes; raw values are Hugging Face's names.
package enum MergedType: String, CaseIterable, Sendable {
  case float32, bfloat16, float16

  var dataType: DataType {
    switch self {
    case .float32: .float32
    case .bfloat16: .bfloat16
    case .float16: .float16
    }
  }
}

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
    model path: String, adapter: String, output: String, dtype: MergedType,
    warn: (String) -> Void = { _ in }, progress: (Double) -> Void = { _ in }
  ) throws {
    let files = try PretrainedFiles.open(path)
    let loaded = try PEFTDirectory.load(
      adapter, linears: files.specification.linears, baseFingerprint: files.fingerprint)
    for warning in loaded.warnings { warn(warning) }
    let workspace = Workspace()
    let groups = files.tensorGroups(as: dtype.dataType) { site, weight in
      loaded.adapters[site]?.merge(into: weight, workspace: workspace)
    }
    try files.directoryWriter().write(
      to: output, groups: groups, type: dtype.dataType, progress: progress)
  }
}

/// `finetune quantize`: a Hugging Face directory in bitsandbytes' NF4 layout. Everything that is not
/// quantized keeps the type of the base; from a base in GGUF's blocks it becomes bfloat16.
package enum QuantizedModelWriter {
  package static func run(
    model path: String, output: String, doubleQuantization: Bool,
    progress: (Double) -> Void = { _ in }
  ) throws {
    let files = try PretrainedFiles.open(path)
    try files.directoryWriter().writeNF4(
      to: output, doubleQuantization: doubleQuantization,
      valueType: files.linearType ?? .bfloat16, progress: progress)
  }
}

extension PretrainedFiles {
  /// A writer that hands the tokenizer and the template on.
  fileprivate func directoryWriter() throws -> HuggingFaceDirectoryWriter {
    var writer = HuggingFaceDirectoryWriter(source: self)
    if case .gguf = source {
      writer.tokenizerFiles = try Tokenizer.huggingFaceFiles(
        ofGGUF: tokenizerPath, template: try ChatTemplate.load(tokenizerPath)?.source)
    }
    return writer
  }
}
