import Formats

/// The tokens that a model wants before and behind a text, from the "post_processor" of
/// `tokenizer.json` or a GGUF file's keys. Only single texts are looked at, never pairs.
struct PostProcessor: Sendable, Equatable {
  var before: [Int32] = []
  var behind: [Int32] = []

  init(before: [Int32] = [], behind: [Int32] = []) {
    self.before = before
    self.behind = behind
  }

  /// - Throws: A `Problem` for a type that is not known or a template that cannot be followed.
  init(_ value: JSON?, place: String) throws(Problem) {
    guard let value, !value.isNull else { return }
    switch value["type"]?.string {
    case "ByteLevel": break
    case "TemplateProcessing": try readTemplate(value, place)
    case "BertProcessing", "RobertaProcessing":
      guard let start = value["cls"]?.array?.last?.integer,
        let end = value["sep"]?.array?.last?.integer
      else {
        throw Problem(place, "the post_processor has no \"cls\" or \"sep\", expected [text, id]")
      }
      try add([start], to: &before, place)
      try add([end], to: &behind, place)
    case "Sequence":
      for part in value["processors"]?.array ?? [] {
        let inner = try PostProcessor(part, place: place)
        before = inner.before + before
        behind += inner.behind
      }
    case let type:
      throw Problem(place, "post_processor type \"\(type ?? "")\" is not known; use another model")
    }
  }

  private mutating func readTemplate(_ value: JSON, _ place: String) throws(Problem) {
    var isBehind = false
    for part in value["single"]?.array ?? [] {
      if part["Sequence"] != nil {
        isBehind = true
      } else if let name = part["SpecialToken"]?["id"]?.string {
        guard let ids = value["special_tokens"]?[name]?["ids"]?.array?.compactMap(\.integer) else {
          throw Problem(
            place, "the post_processor names the token \"\(name)\" and gives no ids for it")
        }
        if isBehind { try add(ids, to: &behind, place) } else { try add(ids, to: &before, place) }
      }
    }
  }

  private func add(_ ids: [Int], to list: inout [Int32], _ place: String) throws(Problem) {
    for id in ids {
      guard (0..<Vocabulary.idLimit).contains(id) else {
        throw Problem(
          place, "the post_processor has the id \(id), expected 0 to \(Vocabulary.idLimit - 1)")
      }
      list.append(Int32(id))
    }
  }

  /// The ids with the tokens around them; what begins with the first token already gets none before.
  func complete(_ ids: [Int32]) -> [Int32] {
    let hasStart = before.first.map { $0 == ids.first } ?? true
    return (hasStart ? [] : before) + ids + behind
  }
}
