/// Which runs of five words a row has, as hashes (Broder 1997, "On the resemblance and containment of
/// documents").
///
/// The system prompt does not count, nor what a document that many rows begin with says alone: a row is
/// only like another where its answers are, too.
struct ShingleSet: Equatable {
  static let words = 5
  /// Of a longer row, the smallest hashes stand for all: a sample of its runs that is the same in every row.
  static let most = 1024

  /// Ascending, each once.
  let all: [UInt32]
  let answers: [UInt32]

  /// Of a row; nil where it says nothing.
  init?(_ row: CheckedRow) {
    var words: [UInt64] = []
    var answers: [UInt64] = []
    for text in row.texts where text.role != "system" {
      words += text.words
      if text.role == "assistant" { answers += text.words }
    }
    guard !words.isEmpty else { return nil }
    all = Self.shingles(words)
    self.answers = Self.shingles(answers)
  }

  init(all: [UInt32], answers: [UInt32]) {
    self.all = all
    self.answers = answers
  }

  /// Hashes of all runs of five words; of fewer words, of all of them together.
  static func shingles(_ words: [UInt64]) -> [UInt32] {
    guard !words.isEmpty else { return [] }
    let length = min(Self.words, words.count)
    var hashes = (0...words.count - length).map { start in
      var hash: UInt64 = 0
      for word in words[start..<start + length] {
        hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
        hash ^= hash >> 29
      }
      return UInt32(truncatingIfNeeded: hash >> 16)
    }
    hashes.sort()
    var unique: [UInt32] = []
    for hash in hashes where hash != unique.last {
      unique.append(hash)
      if unique.count == most { break }
    }
    return unique
  }

  /// How much of two rows is the same: the smaller of what all their words and what the answers say.
  func resemblance(_ other: ShingleSet) -> (all: Double, answers: Double) {
    (Self.jaccard(all, other.all), Self.jaccard(answers, other.answers))
  }

  /// |A ∩ B| / |A ∪ B| of ascending lists; of the smallest `most` of the union where one was cut.
  static func jaccard(_ a: [UInt32], _ b: [UInt32]) -> Double {
    if a.isEmpty && b.isEmpty { return 1 }
    let limit = max(a.count, b.count) == most ? most : Int.max
    var (i, j, union, both) = (0, 0, 0, 0)
    while union < limit, i < a.count || j < b.count {
      union += 1
      if j == b.count || (i < a.count && a[i] < b[j]) {
        i += 1
      } else if i == a.count || b[j] < a[i] {
        j += 1
      } else {
        (i, j, both) = (i + 1, j + 1, both + 1)
      }
    }
    return Double(both) / Double(union)
  }
}
