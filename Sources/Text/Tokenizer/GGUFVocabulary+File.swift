package import Formats

extension GGUFVocabulary {
  /// The `tokenizer.*` keys of a GGUF file, to be written into another.
  ///
  /// Numbers get the types that readers ask for; keys that nobody here knows are left out.
  package static func fields(
    of file: GGUFFile, template: String?
  ) -> [(key: String, value: GGUFField)] {
    let known = file.metadata.keys.filter { $0.hasPrefix("tokenizer.") }.sorted()
    var fields = known.compactMap { key in
      file.metadata[key].flatMap { field(key, $0) }.map { (key: key, value: $0) }
    }
    if let template, !known.contains("tokenizer.chat_template") {
      fields.append(("tokenizer.chat_template", .string(template)))
    }
    return fields
  }

  private static func field(_ key: String, _ value: GGUFValue) -> GGUFField? {
    switch (key, value) {
    case (_, .string(let text)): .string(text)
    case (_, .bool(let flag)): .bool(flag)
    case (_, .strings(let texts)): .strings(texts)
    case ("tokenizer.ggml.scores", _): value.numbers.map { .float32s($0.map(Float.init)) }
    case ("tokenizer.ggml.token_type", .integers(let types)):
      .int32s(types.map(Int32.init(clamping:)))
    case ("tokenizer.ggml.precompiled_charsmap", .integers(let bytes)):
      .bytes(bytes.map { UInt8(truncatingIfNeeded: $0) })
    case (_, .integer(let number)) where key.hasSuffix("_token_id"):
      UInt32(exactly: number).map(GGUFField.uint32)
    case ("tokenizer.ggml.token_type_count", .integer(let number)):
      UInt32(exactly: number).map(GGUFField.uint32)
    default: nil
    }
  }
}
