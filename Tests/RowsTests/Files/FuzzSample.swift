import Formats

/// A good file of rows, and where it may be cut without a trace: where what is left is a whole file.
struct FuzzSample {
  let name: String
  let bytes: [UInt8]
  /// Lengths of prefixes that are whole files.
  let borders: Set<Int>

  /// Files of each kind, as they are and packed.
  static func all() throws -> [FuzzSample] {
    var samples: [FuzzSample] = []
    for plain in plain() {
      samples.append(plain)
      for ending in ["gz", "zst"] {
        samples.append(try packed(plain.bytes, "\(plain.name).\(ending)", parts: 1))
        samples.append(try packed(plain.bytes, "\(plain.name).\(ending)", parts: 3))
      }
      // The content decides, whatever the name says.
      samples.append(try packed(plain.bytes, plain.name, parts: 1))
    }
    return samples
  }

  var isPacked: Bool { bytes.starts(with: [0x1F, 0x8B]) || bytes.starts(with: [0x28, 0xB5]) }

  // MARK: Plain

  private static let rows: [JSON] = [
    ["instruction": "Ask", "output": "Say\n\"it\""],
    ["messages": [["role": "user", "content": "é三😀"]]],
    ["n": 12.5, "list": [true, nil, []], "deep": ["a": ["b": ["c": "d"]]]],
    ["text": .string(String(repeating: "long ", count: 60))], ["a": "\u{FEFF}", "b": "\\u"],
  ]

  private static func plain() -> [FuzzSample] {
    let escaped = "{\"a\": \"\\ud83d\\ude00\\u00e9\"}"
    let lines = rows.map { $0.text() } + [escaped]
    let list = "[\n" + lines.joined(separator: ",\n") + "]"
    let inObject = "{\"v\": \"1\", \"data\": \(list)}"
    // The last cell of each row is quoted: a cut inside a plain one leaves no trace.
    let cells = [
      "q,a", "one,\"first\"", "\"two, \"\"2\"\"\",\"two\nlines\"", ",\"\"", "é三😀,\"last\"",
    ]
    return [
      lined(lines, "r.jsonl", "\n"), lined(lines, "r.ndjson", "\r\n"),
      FuzzSample(name: "r.json", bytes: Array(list.utf8), borders: []),
      FuzzSample(name: "r.json", bytes: Array(inObject.utf8), borders: []),
      table(cells, "r.csv", "\n"), table(cells, "r.csv", "\r\n"),
      table(cells.map { $0.replacing(",", with: "\t") }, "r.tsv", "\n"),
      FuzzSample(name: "r.txt", bytes: Array("# A\r\n\r\né三😀\n".utf8), borders: []),
      wide(lines, "r.jsonl", bigEndian: false), wide(lines, "r.jsonl", bigEndian: true),
    ]
  }

  /// Rows that end in `end`; the cut may be before or within it.
  private static func lined(_ lines: [String], _ name: String, _ end: String) -> FuzzSample {
    var bytes: [UInt8] = []
    var borders: Set<Int> = [0]
    for line in lines {
      bytes += line.utf8
      for count in 0...end.utf8.count { borders.insert(bytes.count + count) }
      bytes += end.utf8
    }
    return FuzzSample(name: name, bytes: bytes, borders: borders)
  }

  /// A table of two columns looks whole also where it ends inside its header or in front of a last cell,
  /// which is then empty.
  private static func table(_ lines: [String], _ name: String, _ end: String) -> FuzzSample {
    let whole = lined(lines, name, end)
    let separator = UInt8(ascii: name.hasSuffix("tsv") ? "\t" : ",")
    var borders = whole.borders.union(0...lines[0].utf8.count)
    var start = 0
    for line in lines.map({ Array($0.utf8) }) {
      if let place = line.lastIndex(of: separator) { borders.insert(start + place + 1) }
      start += line.count + end.utf8.count
    }
    return FuzzSample(name: name, bytes: whole.bytes, borders: borders)
  }

  private static func wide(_ lines: [String], _ name: String, bigEndian: Bool) -> FuzzSample {
    var bytes = utf16("", bigEndian: bigEndian)
    var borders: Set<Int> = [0, 2]
    for line in lines {
      bytes += utf16(line, bigEndian: bigEndian, mark: false)
      borders.formUnion([bytes.count, bytes.count + 2])
      bytes += utf16("\n", bigEndian: bigEndian, mark: false)
    }
    return FuzzSample(name: name, bytes: bytes, borders: borders)
  }

  // MARK: Packed

  /// Several members, which other programs join; between them lies a border.
  private static func packed(_ bytes: [UInt8], _ name: String, parts: Int) throws -> FuzzSample {
    var packed: [UInt8] = []
    var borders: Set<Int> = [0]
    let isGzip =
      name.hasSuffix("gz") || (!name.hasSuffix("zst") && bytes.count.isMultiple(of: 2))
    for part in 0..<parts {
      let range = bytes.count * part / parts..<bytes.count * (part + 1) / parts
      let piece = Array(bytes[range])
      packed += isGzip ? try Packing.gzip(piece) : try Packing.zstd(piece)
      borders.insert(packed.count)
    }
    // The first byte of zstd alone is a bracket, which is a header in a table that is not named packed.
    if name.hasSuffix("sv"), !isGzip { borders.insert(1) }
    return FuzzSample(name: name, bytes: packed, borders: borders)
  }
}
