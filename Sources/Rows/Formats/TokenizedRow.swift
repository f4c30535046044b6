import Formats

/// `{input_ids, labels?}`: a row that is tokenized already. Of labels, -100 is not learnt; instead of them, a
/// mask of 0 and 1 may say what is.
struct TokenizedRow {
  let ids: [Int32]
  let labels: [Int32]

  private static let masks = ["completion_mask", "assistant_masks", "loss_mask"]

  init(_ fields: inout RowFields) throws(RowFault) {
    guard let tokens = fields.value("input_ids") else {
      throw RowFault(.missingField, "\"input_ids\" is missing, expected a list of token ids")
    }
    var ids = try Self.numbers(tokens, "input_ids")
    guard ids.allSatisfy({ $0 >= 0 }) else {
      throw RowFault(.wrongType, "\"input_ids\" holds a negative number, expected token ids")
    }
    var labels = ids
    if let (name, value) = try fields.value(of: ["labels"]) {
      labels = try Self.numbers(value, name, count: ids.count)
      guard labels.allSatisfy({ $0 >= 0 || $0 == -100 }) else {
        throw RowFault(.wrongType, "\"labels\" holds a negative number other than -100")
      }
    } else if let (name, value) = try fields.value(of: Self.masks) {
      let mask = try Self.numbers(value, name, count: ids.count)
      guard mask.allSatisfy({ $0 == 0 || $0 == 1 }) else {
        throw RowFault(.wrongType, "\"\(name)\" holds another number than 0 and 1")
      }
      labels = zip(ids, mask).map { $1 == 1 ? $0 : -100 }
    }
    if let value = fields.value("attention_mask") {
      // Padding is left out. There is none between tokens.
      let mask = try Self.numbers(value, "attention_mask", count: ids.count)
      let kept = ids.indices.filter { mask[$0] != 0 }
      if let first = kept.first, let last = kept.last, last - first + 1 != kept.count {
        throw RowFault("\"attention_mask\" has gaps, which a row of text cannot have")
      }
      (ids, labels) = (kept.map { ids[$0] }, kept.map { labels[$0] })
    }
    guard !ids.isEmpty else {
      throw RowFault(.missingField, "\"input_ids\" is empty, so there is nothing to learn")
    }
    (self.ids, self.labels) = (ids, labels)
  }

  private static func numbers(
    _ value: JSON, _ name: String, count: Int? = nil
  ) throws(RowFault) -> [Int32] {
    guard let list = value.array else {
      throw RowFault(
        .wrongType, "\"\(name)\" is \(value.kindName), expected a list of whole numbers")
    }
    if let count, list.count != count {
      throw RowFault(
        .wrongType,
        "\"\(name)\" has \(list.count) numbers, expected \(count), as many as \"input_ids\"")
    }
    return try list.map { element throws(RowFault) in
      guard let number = element.integer.flatMap(Int32.init(exactly:)) else {
        throw RowFault(
          .wrongType, "\"\(name)\" holds \(element.text()), expected a whole number below 2³¹")
      }
      return number
    }
  }
}
