package import Tensors

/// Every use of random numbers in the product; no two share a stream.
///
/// The raw values are part of what makes a seed repeatable: never change or reuse one.
package enum RandomPurpose: UInt32, Sendable {
  case adapterInitialization = 1
  case dropout = 2
  case shuffle = 3
  case validationSplit = 4
  case sampling = 5
}

extension RandomKey {
  package init(seed: UInt64, _ purpose: RandomPurpose, a: UInt32 = 0, b: UInt32 = 0) {
    self.init(seed: seed, purpose: purpose.rawValue, a: a, b: b)
  }
}
