/// What activations and products are computed in.
package enum ComputeType: String, CaseIterable, Sendable {
  case float32, bfloat16

  /// The type of an activation's elements.
  package var dataType: DataType {
    switch self {
    case .float32: .float32
    case .bfloat16: .bfloat16
    }
  }
}
