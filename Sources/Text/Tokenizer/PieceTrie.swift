/// All tokens of a vocabulary as a tree of bytes: finds every token that a text goes on with.
///
/// The edges are one flat hash table from (node, byte) to the next node.
/// Sendable because it does not change after `init`.
final class PieceTrie: @unchecked Sendable {
  private static let none = UInt64.max

  private let edges: UnsafeMutablePointer<(key: UInt64, node: Int32)>
  private let mask: UInt64
  /// The nodes that the first bytes lead to, or -1.
  private var roots = [Int32](repeating: -1, count: 256)
  /// Id of the token that ends at a node, or -1.
  private var ids: [Int32] = []

  /// - Parameter pieces: Bytes and ids; of equal ones the last counts, empty ones are left out.
  init(_ pieces: [(bytes: ArraySlice<UInt8>, id: Int32)]) {
    let bytes = pieces.reduce(0) { $0 + $1.bytes.count }
    let capacity = (bytes * 2 + 1).nextPowerOfTwo
    edges = .allocate(capacity: capacity)
    edges.initialize(repeating: (Self.none, -1), count: capacity)
    mask = UInt64(capacity - 1)
    for (bytes, id) in pieces {
      guard let first = bytes.first else { continue }
      if roots[Int(first)] < 0 { roots[Int(first)] = newNode() }
      var node = roots[Int(first)]
      for byte in bytes.dropFirst() {
        let place = place(node, byte)
        if edges[place].key == Self.none {
          edges[place] = (Self.key(node, byte), newNode())
        }
        node = edges[place].node
      }
      ids[Int(node)] = id
    }
  }

  deinit { edges.deallocate() }

  private func newNode() -> Int32 {
    ids.append(-1)
    return Int32(ids.count - 1)
  }

  @inline(__always)
  private static func key(_ node: Int32, _ byte: UInt8) -> UInt64 {
    UInt64(UInt32(bitPattern: node)) << 8 | UInt64(byte)
  }

  @inline(__always)
  private func place(_ node: Int32, _ byte: UInt8) -> Int {
    let key = Self.key(node, byte)
    var place = (key &* 0x9E37_79B9_7F4A_7C15) >> 24 & mask
    while edges[Int(place)].key != key, edges[Int(place)].key != Self.none {
      place = (place + 1) & mask
    }
    return Int(place)
  }

  /// Calls `body` with each token that `text` has at `start`, the shortest first, and its end.
  @inline(__always)
  func forEachPiece(
    of text: UnsafeBufferPointer<UInt8>, at start: Int, _ body: (_ id: Int32, _ end: Int) -> Void
  ) {
    var node = roots[Int(text[start])]
    var end = start + 1
    while node >= 0 {
      let id = ids[Int(node)]
      if id >= 0 { body(id, end) }
      if end == text.count { return }
      node = edges[place(node, text[end])].node
      end += 1
    }
  }
}
