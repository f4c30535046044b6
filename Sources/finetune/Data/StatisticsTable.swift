import Formats
import Rows

/// Counts of rows and tokens as a person reads them.
struct StatisticsTable {
  let sources: [RowStatistics]
  /// Whether lengths are tokens.
  let isRendered: Bool
  let forecast: BatchForecast?
  let remark: String?

  func text(on terminal: Terminal) -> String {
    var text = remark.map { "note: \($0)\n" } ?? ""
    text += table.text
    for source in sources where !source.lengths.isEmpty {
      text += "\n" + terminal.bold(source.path) + "\n"
      text += LengthHistogram(source.lengths).text(unit: unit, on: terminal)
      let longest = source.longest.map { long in
        "\(NumberText.grouped(long.length)) (line \(NumberText.grouped(long.place.line)))"
      }
      text += terminal.dim("  longest: ") + longest.joined(separator: ", ") + "\n"
    }
    if let forecast { text += "\n" + lines(forecast).text(on: terminal) }
    return text
  }

  private var unit: String { isRendered ? "tokens" : "bytes" }

  private var table: Table {
    var table = Table(rows: [["", "rows", "refused", "messages", "answers"]])
    table.rows[0] += isRendered ? ["tokens", "trained", "share", "longest"] : ["bytes", "longest"]
    for source in sources {
      let name = source.path + (source.part == .heldOut ? " (held out)" : "")
      var cells = [name]
      cells += [source.rows, source.refusedRows, source.messages, source.answers]
        .map(NumberText.grouped)
      if isRendered {
        cells += [
          NumberText.grouped(source.tokens), NumberText.grouped(source.trainedTokens),
          Self.percent(source.trainedTokens, of: source.tokens),
        ]
      } else {
        cells.append(NumberText.grouped(source.lengths.reduce(0, +)))
      }
      cells.append(NumberText.grouped(source.longest.first?.length ?? 0))
      table.rows.append(cells)
    }
    return table
  }

  private static func percent(_ part: Int, of whole: Int) -> String {
    NumberText.fixed(100 * Double(part) / Double(max(whole, 1)), 1) + " %"
  }

  private func lines(_ forecast: BatchForecast) -> LabelledLines {
    var lines = LabelledLines()
    lines.add(
      "padding",
      "\(Self.percent(forecast.paddedTokens - forecast.tokens, of: forecast.paddedTokens)) of"
        + " \(NumberText.grouped(forecast.paddedTokens)) tokens where the rows of a micro-batch of"
        + " \(forecast.microBatchSize) are padded to the longest; none here")
    lines.add(
      "packing",
      "\(NumberText.grouped(forecast.packedBatches)) micro-batches an epoch instead of"
        + " \(NumberText.grouped(forecast.batches))")
    if let shared = forecast.sharedTokens {
      lines.add(
        "shared",
        "\(Self.percent(shared, of: forecast.tokens)) of the tokens need no computing: rows of a"
          + " micro-batch begin with them in common")
    }
    if let steps = forecast.steps, let epoch = forecast.stepsPerEpoch, let epochs = forecast.epochs
    {
      lines.add(
        "steps",
        "\(NumberText.grouped(steps)); an epoch of the \(NumberText.grouped(epochs)) has"
          + " \(NumberText.grouped(epoch))")
    }
    return lines
  }

  /// The object that `--json` prints.
  var json: JSON {
    [
      "unit": .string(unit), "sources": .array(sources.map(json)),
      "batches": forecast?.json ?? .null,
    ]
  }

  private func json(_ source: RowStatistics) -> JSON {
    let histogram = LengthHistogram(source.lengths).buckets.map { bucket -> JSON in
      [
        "from": .integer(bucket.lengths.lowerBound), "to": .integer(bucket.lengths.upperBound),
        "rows": .integer(bucket.rows),
      ]
    }
    let longest = source.longest.map { long -> JSON in
      [
        "line": .integer(long.place.line), "index": .integer(long.place.index),
        "length": .integer(long.length),
      ]
    }
    return [
      "path": .string(source.path), "part": .string(source.part.rawValue),
      "rows": .integer(source.rows), "refused_rows": .integer(source.refusedRows),
      "messages": .integer(source.messages), "answers": .integer(source.answers),
      "tokens": .integer(source.tokens), "trained_tokens": .integer(source.trainedTokens),
      "length": .integer(source.lengths.reduce(0, +)), "histogram": .array(histogram),
      "longest": .array(longest),
    ]
  }
}
