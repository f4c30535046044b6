/// A metadata value of a GGUF file. The file's eight integer widths and two float widths become one
/// integer and one number here; lists of one kind stay flat.
package enum GGUFValue: Sendable, Equatable {
  case integer(Int)
  /// An unsigned integer that does not fit `Int`.
  case unsigned(UInt64)
  case number(Double)
  case bool(Bool)
  case string(String)
  case integers([Int])
  case numbers([Double])
  case bools([Bool])
  case strings([String])
  case list([GGUFValue])

  package var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var bools: [Bool]? { if case .bools(let values) = self { values } else { nil } }

  /// A float or an integer.
  package var number: Double? {
    switch self {
    case .number(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }

  package var integers: [Int]? {
    switch self {
    case .integers(let values): values
    case .list(let values) where values.isEmpty: []
    default: nil
    }
  }

  /// A list of floats or of integers.
  package var numbers: [Double]? {
    switch self {
    case .numbers(let values): values
    case .integers(let values): values.map(Double.init)
    case .list(let values) where values.isEmpty: []
    default: nil
    }
  }

  package var strings: [String]? {
    switch self {
    case .strings(let values): values
    case .list(let values) where values.isEmpty: []
    default: nil
    }
  }
}
