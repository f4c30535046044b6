import Formats
import Text

extension Renderer {
  /// The tokens of what a row says.
  func rows(of row: ReadRow, at place: String) throws(RowFault) -> [RenderedRow] {
    switch row.content {
    case .conversation, .labelled, .preference:
      return try row.content.conversations.map { conversation throws(RowFault) in
        do throws(Problem) {
          return try render(conversation)
        } catch {
          throw RowFault(.templateRefused, error.description)
        }
      }
    case .completion(let prompt, let completion):
      return [render(prompt: prompt, completion: completion, weight: row.weight, place: place)]
    case .document(let text):
      return parts(ofDocument: text, weight: row.weight, place: place)
    case .tokens(let tokens):
      let size = tokenizer.vocabularySize
      if let id = (tokens.ids + tokens.labels).first(where: { Int($0) >= size }) {
        throw RowFault(.wrongType, "the id \(id) is none of the model's \(size) tokens")
      }
      return [render(ids: tokens.ids, labels: tokens.labels, weight: row.weight, place: place)]
    }
  }
}
