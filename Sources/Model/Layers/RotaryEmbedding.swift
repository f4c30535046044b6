import Foundation
package import Tensors

/// Rotary position embedding (Su et al. 2021, arXiv:2104.09864) in the Hugging Face convention:
/// of the R rotated elements of a head, element i is paired with i + R/2.
///
///     (a, b) → (a cos θ − b sin θ, b cos θ + a sin θ),   θ = position · frequency_i
///
/// The backward pass rotates by −θ.
package final class RotaryEmbedding {
  package let specification: RotarySpecification
  private let headDimension: Int
  /// One behind the other: a table for each variant of the frequencies that was asked for.
  private var cosines: Tensor  // [rows, R/2]
  private var sines: Tensor  // [rows, R/2]
  private var tables: [Int: Table] = [:]

  /// The rows of positions 0 ..< `positions`.
  private struct Table {
    let start: Int
    let positions: Int
  }

  package init(_ specification: RotarySpecification, headDimension: Int) {
    self.specification = specification
    self.headDimension = headDimension
    cosines = Tensor.zeros([0, specification.dimension / 2])
    sines = cosines
  }

  /// Makes the tables cover sequences of these lengths; they grow by doubling, so it rarely does anything.
  package func prepare(lengths: [Int]) {
    var wanted: [Int: Int] = [:]
    for length in lengths {
      let variant = specification.variant(length: length)
      wanted[variant] = max(wanted[variant] ?? 0, length)
    }
    guard wanted.contains(where: { $0.value > tables[$0.key]?.positions ?? 0 }) else { return }
    // Every longer sequence of a dynamic scaling has a table of its own: the old ones would pile up.
    let kept = tables.filter { !specification.scaling.dependsOnLength || $0.key <= 1 }
    let counts = wanted.merging(kept.mapValues(\.positions)) { wanted, known in
      wanted > known ? max(wanted, 2 * known, 512) : known
    }
    fill(counts)
  }

  private func fill(_ counts: [Int: Int]) {
    tables = [:]
    let half = specification.dimension / 2
    let rows = counts.values.reduce(0) { $0 + max($1, 1) }
    var (cosineValues, sineValues): ([Float], [Float]) = ([], [])
    cosineValues.reserveCapacity(rows * half)
    sineValues.reserveCapacity(rows * half)
    let factor = Float(specification.attentionFactor)
    for (variant, positions) in counts.sorted(by: { $0.key < $1.key }) {
      tables[variant] = Table(start: cosineValues.count / half, positions: positions)
      let frequencies = specification.frequencies(variant: variant)
      for position in 0..<positions {
        for frequency in frequencies {
          // The angle is rounded to float32 as PyTorch does; its sine is then exact.
          let angle = Double(Float(position) * frequency)
          cosineValues.append(Float(cos(angle)) * factor)
          sineValues.append(Float(sin(angle)) * factor)
        }
      }
    }
    let shape = [cosineValues.count / half, half]
    cosines = Tensor.from(cosineValues, shape: shape, .float32)
    sines = Tensor.from(sineValues, shape: shape, .float32)
  }

  /// The row of position 0 in the table of sequences of this length, which `prepare` has made.
  package func firstRow(length: Int) -> Int32 {
    guard let table = tables[specification.variant(length: length)], table.positions >= length
    else { preconditionFailure("no rotations for \(length) positions") }
    return Int32(table.start)
  }

  /// Rotates every head of `x` [T, heads · E] in place; `inverse` is the backward pass.
  ///
  /// - Parameter rows: For each token its position, plus `firstRow` of its sequence.
  package func rotate(_ x: Tensor, rows: Tensor, inverse: Bool = false) {
    Kernels.rope(
      x: x, positions: rows, cos: cosines, sin: sines, headDimension: headDimension,
      rotated: specification.dimension, inverse: inverse)
  }
}
