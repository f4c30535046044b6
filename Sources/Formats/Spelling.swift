/// The candidate that was most likely meant by a misspelt word; nil where none is near.
///
/// Upper case and "_", "-" do not count, so `learningRate` is exactly `learning_rate`. Otherwise one
/// slip for every three letters, three at most, is forgiven (a letter too much, missing, wrong, or two
/// swapped).
package func nearest(to word: String, among candidates: [String]) -> String? {
  candidates
    .map { (candidate: $0, distance: spellingDistance(word, $0)) }
    .filter { $0.distance <= forgivenSlips(in: word) }
    .min { $0.distance < $1.distance }?.candidate
}

package func forgivenSlips(in word: String) -> Int { max(1, min(word.utf8.count / 3, 3)) }

/// Optimal string alignment distance (Damerau 1964, restricted to one edit a substring) of the
/// letters and digits of two words.
package func spellingDistance(_ a: String, _ b: String) -> Int {
  let (a, b) = (letters(a), letters(b))
  var beforeLast: [Int] = []
  var last = Array(0...b.count)
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        best = min(best, beforeLast[j - 1] + 1)
      }
      row.append(best)
    }
    (beforeLast, last) = (last, row)
  }
  return last[b.count]
}

private func letters(_ word: String) -> [UInt8] {
  // Hostile keys may be megabytes long; no key that we know is longer than this.
  word.utf8.prefix(64).compactMap { byte in
    switch byte {
    case UInt8(ascii: "_"), UInt8(ascii: "-"): nil
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
    default: byte
    }
  }
}
