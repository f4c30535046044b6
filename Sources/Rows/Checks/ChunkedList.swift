/// A list that grows without moving what is in it: millions of elements take no more memory than they need,
/// where an array takes up to three times as much while it grows.
struct ChunkedList<Element> {
  private var chunks: [[Element]] = []
  private(set) var count = 0

  private static var chunkBits: Int { 16 }

  var indices: Range<Int> { 0..<count }

  subscript(index: Int) -> Element {
    chunks[index >> Self.chunkBits][index & (1 << Self.chunkBits - 1)]
  }

  mutating func append(_ element: Element) {
    if count >> Self.chunkBits == chunks.count {
      chunks.append([])
      chunks[chunks.count - 1].reserveCapacity(1 << Self.chunkBits)
    }
    chunks[chunks.count - 1].append(element)
    count += 1
  }
}
