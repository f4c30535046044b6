import Formats

/// Leaves one value to a key that stands twice in an object: the last one, which readers take.
enum RepeatedKeyRepair {
  static func repaired(_ json: JSON) -> JSON {
    switch json {
    case .array(let elements): return .array(elements.map(repaired))
    case .object(let object):
      var seen: Set<[UInt8]> = []
      let members = object.members.reversed().filter { seen.insert(Array($0.key.utf8)).inserted }
      return .object(JSONObject(members.reversed().map { ($0.key, repaired($0.value)) }))
    default: return json
    }
  }
}
