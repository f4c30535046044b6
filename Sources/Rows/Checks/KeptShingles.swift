/// The words of rows, one behind the other, as long as there is room.
struct KeptShingles {
  private struct Place {
    let start: UInt32
    let all: UInt16
    let answers: UInt16
  }

  private let budget: Int
  private var hashes: [UInt32] = []
  private var places: [UInt32: Place] = [:]

  /// - Parameter budget: The most hashes that are kept.
  init(budget: Int) {
    self.budget = min(budget, Int(UInt32.max))
    // Memory that is never written to is never taken.
    hashes.reserveCapacity(self.budget)
  }

  mutating func add(_ set: ShingleSet, number: Int) {
    guard hashes.count + set.all.count + set.answers.count <= budget else { return }
    places[UInt32(clamping: number)] = Place(
      start: UInt32(hashes.count), all: UInt16(set.all.count), answers: UInt16(set.answers.count))
    hashes += set.all
    hashes += set.answers
  }

  /// nil where there was no room.
  subscript(number: Int) -> ShingleSet? {
    guard let place = places[UInt32(clamping: number)] else { return nil }
    let middle = Int(place.start) + Int(place.all)
    return ShingleSet(
      all: Array(hashes[Int(place.start)..<middle]),
      answers: Array(hashes[middle..<middle + Int(place.answers)]))
  }
}
