/// A binary min-heap of 64-bit keys.
struct MinHeap {
  private var keys: [UInt64] = []

  mutating func push(_ key: UInt64) {
    keys.append(key)
    var child = keys.count - 1
    while child > 0, case let parent = (child - 1) / 2, keys[parent] > keys[child] {
      keys.swapAt(parent, child)
      child = parent
    }
  }

  mutating func pop() -> UInt64? {
    guard let smallest = keys.first, let last = keys.popLast() else { return nil }
    if keys.isEmpty { return smallest }
    keys[0] = last
    var parent = 0
    while true {
      var child = 2 * parent + 1
      if child >= keys.count { break }
      if child + 1 < keys.count, keys[child + 1] < keys[child] { child += 1 }
      if keys[parent] <= keys[child] { break }
      keys.swapAt(parent, child)
      parent = child
    }
    return smallest
  }
}
