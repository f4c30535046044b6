/// Texts that no template is put around, and rows that are tokens already.
extension Renderer {
  /// A prompt and what follows it, of which the second is learnt with the token that ends a text.
  package func render(
    prompt: String, completion: String, weight: Float = 1, place: String
  ) -> RenderedRow {
    let text = prompt + completion
    let span = TrainedSpan(
      bytes: prompt.utf8.count..<text.utf8.count, weight: weight, isPromptEnd: true)
    return ended(text, [span], weight: weight, place: place)
  }

  /// A text of which everything is learnt. One of more than `longestPart` tokens is divided into parts of about
  /// the same length. Each begins with the last token of the one before, so that every token is predicted once.
  package func parts(
    ofDocument text: String, weight: Float = 1, place: String
  ) -> [RenderedRow] {
    let span = TrainedSpan(bytes: 0..<text.utf8.count, weight: weight)
    let row = ended(text, [span], weight: weight, place: place)
    guard let longest = longestPart, longest > 1, row.ids.count > longest else { return [row] }
    // The first token is predicted by nothing.
    let predicted = row.ids.count - 1
    let count = (predicted + longest - 2) / (longest - 1)
    return (0..<count).map { part in
      let tokens = part * predicted / count...(part + 1) * predicted / count
      return RenderedRow(
        text: part == 0 ? text : "", ids: Array(row.ids[tokens]), labels: Array(row.labels[tokens]),
        weights: row.weights.map { Array($0[tokens]) }, spans: part == 0 ? row.spans : [],
        endsTurns: row.endsTurns, remarks: [], place: place)
    }
  }

  /// A row that is tokenized already.
  package func render(
    ids: [Int32], labels: [Int32], weight: Float = 1, place: String
  ) -> RenderedRow {
    RenderedRow(
      ids: ids, labels: weight == 0 ? labels.map { _ in RenderedRow.ignoredLabel } : labels,
      weights: labels.map { $0 == RenderedRow.ignoredLabel ? 0 : weight }, place: place)
  }

  /// A text with what the model wants around texts, and the token that ends one.
  private func ended(
    _ text: String, _ spans: [TrainedSpan], weight: Float, place: String
  ) -> RenderedRow {
    let (inner, ranges) = tokens(of: text, spans)
    let (before, after) = tokenizer.tokensAroundText
    let row = RenderedRow(
      text: text, ids: inner, ranges: ranges, spans: spans, endsTurns: true, remarks: [],
      place: place)
    let begins = inner.first.map { before.last == $0 } ?? false
    let prefix = begins ? [] : before
    var suffix = after
    if let end = tokenizer.eosToken.flatMap({ tokenizer.id(of: $0) }), inner.last != end,
      !after.contains(end)
    {
      suffix.append(end)
    }
    let learnsEnd = trainsTurnEnds && weight != 0
    let ignored = RenderedRow.ignoredLabel
    return RenderedRow(
      text: text, ids: prefix + inner + suffix,
      labels: prefix.map { _ in ignored } + row.labels + suffix.map { learnsEnd ? $0 : ignored },
      weights: row.weights.map {
        prefix.map { _ in 0 } + $0 + suffix.map { _ in learnsEnd ? weight : 0 }
      },
      spans: row.spans, endsTurns: tokenizer.eosToken != nil, remarks: [], place: place)
  }
}
