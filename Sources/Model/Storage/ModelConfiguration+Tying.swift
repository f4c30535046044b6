import Formats
import Tensors

extension ModelConfiguration {
  /// The configuration that fits the files, of which one that ties the head to the token table may hold
  /// both.
  ///
  /// transformers 5 ties them only where the two agree, or where one of them is missing.
  func tied(as weights: HuggingFaceWeights) throws(Problem) -> ModelConfiguration {
    guard specification.head.weight == nil else { return self }
    var json = self.json
    json.set("tie_word_embeddings", false)
    let untied = try ModelConfiguration(json, path: "config.json")
    guard let head = untied.specification.head.weight else { return self }
    let table = specification.embedding.weight
    if weights.stored(table.name) == nil { weights.alias = (table.name, head.name) }
    guard weights.differ(table.name, head.name) else { return self }
    return ModelConfiguration(
      self, specification: untied.specification, json: json)
  }
}
