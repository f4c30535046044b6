import Formats
import Foundation
import Model
import Rows
import Text

/// Special tokens that a template writes and that the base model never learnt: LoRA leaves the table of
/// embeddings as it is, so the model would be trained on tokens that say nothing to it.
///
/// Their rows in the table are zero, or stand where nothing has moved them: at the mean of all rows.
struct UntrainedTokens {
  /// Rows that show what is usual.
  private static let sample = 1000
  /// Parts of the usual length, and of the usual distance from the mean.
  private static let leastLength = 0.01
  private static let leastDistance = 0.05

  private let table: EmbeddingTable
  private let renderer: Renderer

  /// nil where the model's table of embeddings does not lie in a safetensors file as plain numbers.
  init?(_ files: PretrainedFiles, renderer: Renderer) {
    guard let table = EmbeddingTable(files) else { return nil }
    self.table = table
    self.renderer = renderer
  }

  /// A finding for each such token.
  func findings(model: String) -> [RowFinding] {
    let special = Dictionary(
      renderer.tokenizer.specialTokens.map { ($0.id, $0.text) }, uniquingKeysWith: { $1 })
    let written = writtenTokens().filter { special[$0] != nil }
    guard !written.isEmpty, table.rows > 2 else { return [] }
    let step = max(1, table.rows / Self.sample)
    let others = stride(from: 0, to: table.rows, by: step)
      .filter { special[Int32($0)] == nil }.map(table.row)
    guard !others.isEmpty else { return [] }
    let mean = Self.mean(others)
    let length = Self.median(others.map { Self.distance($0, nil) })
    let distance = Self.median(others.map { Self.distance($0, mean) })
    return written.sorted().compactMap { id in
      guard (0..<table.rows).contains(Int(id)) else { return nil }
      let row = table.row(Int(id))
      let isZero = Self.distance(row, nil) < Self.leastLength * length
      guard isZero || Self.distance(row, mean) < Self.leastDistance * distance else { return nil }
      return RowFinding(
        .untrainedToken, RowPlace(file: model, index: 0, line: 0, isLineFile: false),
        "the template writes \(special[id] ?? "a token"), whose embedding is \(isZero ? "zero" : "the mean of all"):"
          + " the base model never learnt it")
    }
  }

  private func writtenTokens() -> Set<Int32> {
    let conversation = Conversation(messages: [
      Message(role: "user", content: "Question"), Message(role: "assistant", content: "Answer"),
    ])
    return Set((try? renderer.render(conversation))?.ids ?? [])
  }

  private static func mean(_ rows: [[Double]]) -> [Double] {
    rows[0].indices.map { column in
      rows.reduce(0) { $0 + $1[column] } / Double(rows.count)
    }
  }

  /// From a point, or from zero.
  private static func distance(_ row: [Double], _ point: [Double]?) -> Double {
    var sum = 0.0
    for (index, value) in row.enumerated() {
      let difference = value - (point?[index] ?? 0)
      sum += difference * difference
    }
    return sum.squareRoot()
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

/// Single rows of a model's token table [V, D], without reading all of it.
private struct EmbeddingTable {
  private let file: SafetensorsFile
  private let name: String
  private let dtype: String
  let rows: Int
  private let columns: Int

  init?(_ files: PretrainedFiles) {
    guard case .huggingFace(let directory) = files.source,
      let names = try? directoryEntries(directory)
    else { return nil }
    let name = files.specification.embedding.weight.name
    for shard in names where shard.hasSuffix(".safetensors") {
      guard let file = try? SafetensorsFile("\(directory)/\(shard)"),
        let entry = file.tensors[name], entry.shape.count == 2,
        ["F32", "F16", "BF16"].contains(entry.dtype)
      else { continue }
      self.file = file
      self.name = name
      dtype = entry.dtype
      (rows, columns) = (entry.shape[0], entry.shape[1])
      return
    }
    return nil
  }

  func row(_ index: Int) -> [Double] {
    let size = dtype == "F32" ? 4 : 2
    return file.withBytes(of: name) { bytes in
      (0..<columns).map { column in
        let offset = (index * columns + column) * size
        if size == 4 {
          let bits = UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
          return Double(Float(bitPattern: bits))
        }
        let bits = UInt16(
          littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
        // bfloat16 is the upper half of a float32.
        return dtype == "BF16"
          ? Double(Float(bitPattern: UInt32(bits) << 16)) : Double(Float(Float16(bitPattern: bits)))
      }
    }
  }
}
