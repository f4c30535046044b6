import Foundation
import Tensors

/// The kernels again, plain and in double precision.
enum Reference {
  /// C[M, N] = op(A) op(B).
  static func matmul(
    _ a: [Double], _ b: [Double], _ M: Int, _ N: Int, _ K: Int, transposeA: Bool = false,
    transposeB: Bool = false
  ) -> [Double] {
    var c = [Double](repeating: 0, count: M * N)
    for i in 0..<M {
      for k in 0..<K {
        let x = transposeA ? a[k * M + i] : a[i * K + k]
        for j in 0..<N { c[i * N + j] += x * (transposeB ? b[j * K + k] : b[k * N + j]) }
      }
    }
    return c
  }

  /// Calls `body` with each row of width D and its 1 / sqrt(mean(x²) + epsilon).
  private static func forEachRow(
    _ x: [Double], D: Int, epsilon: Double, _ body: (_ row: Range<Int>, _ s: Double) -> Void
  ) {
    for start in stride(from: 0, to: x.count, by: D) {
      let row = start..<start + D
      body(row, 1 / sqrt(x[row].reduce(0) { $0 + $1 * $1 } / Double(D) + epsilon))
    }
  }

  static func rmsNorm(_ x: [Double], weight: [Double], epsilon: Double) -> [Double] {
    var y = x
    forEachRow(x, D: weight.count, epsilon: epsilon) { row, s in
      for i in row { y[i] = x[i] * s * weight[i - row.lowerBound] }
    }
    return y
  }

  static func rmsNormBackward(
    _ dOut: [Double], _ x: [Double], weight: [Double], epsilon: Double
  ) -> [Double] {
    var dX = x
    forEachRow(x, D: weight.count, epsilon: epsilon) { row, s in
      let start = row.lowerBound
      let projection =
        row.reduce(0) { $0 + dOut[$1] * weight[$1 - start] * x[$1] } / Double(weight.count)
      for i in row {
        dX[i] = s * weight[i - start] * dOut[i] - x[i] * s * s * s * projection
      }
    }
    return dX
  }

  /// (x - mean) / sqrt(variance + epsilon) · weight + bias, row by row.
  static func layerNorm(
    _ x: [Double], weight: [Double], bias: [Double], epsilon: Double
  ) -> [Double] {
    let width = weight.count
    return stride(from: 0, to: x.count, by: width).flatMap { start in
      let row = x[start..<start + width]
      let mean = row.reduce(0, +) / Double(width)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
      let s = 1 / (variance + epsilon).squareRoot()
      return row.enumerated().map { ($1 - mean) * s * weight[$0] + bias[$0] }
    }
  }

  /// An activation with its derivative.
  struct Gate: Sendable, CustomStringConvertible {
    let kind: Activation
    let value: @Sendable (Double) -> Double
    let slope: @Sendable (Double) -> Double

    var description: String { "\(kind)" }

    static let all = [
      Gate(kind: .silu, value: { $0 / (1 + exp(-$0)) }) {
        let s = 1 / (1 + exp(-$0))
        return s * (1 + $0 * (1 - s))
      },
      Gate(kind: .geluTanh, value: { $0 / 2 * (1 + tanh(angle($0))) }) {
        let t = tanh(angle($0))
        let angleSlope = (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * $0 * $0)
        return (1 + t) / 2 + $0 / 2 * (1 - t * t) * angleSlope
      },
      Gate(kind: .gelu, value: { $0 * normal($0) }) {
        normal($0) + $0 * exp(-$0 * $0 / 2) / (2 * Double.pi).squareRoot()
      },
      Gate(kind: .geluQuick, value: { $0 / (1 + exp(-1.702 * $0)) }) {
        let s = 1 / (1 + exp(-1.702 * $0))
        return s * (1 + 1.702 * $0 * (1 - s))
      },
      Gate(kind: .relu, value: { max($0, 0) }) { $0 > 0 ? 1 : 0 },
      Gate(kind: .reluSquared, value: { max($0, 0) * max($0, 0) }) { 2 * max($0, 0) },
    ]

    /// Those that are x for large x and 0 for very negative ones.
    static let linearFarOut = all.filter { $0.kind != .reluSquared }

    /// The distribution function of the normal distribution.
    private static func normal(_ x: Double) -> Double { erfc(-x / 2.0.squareRoot()) / 2 }

    private static func angle(_ x: Double) -> Double {
      (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
    }
  }

  /// Head-wise rotation of pairs (i, i + E/2) by angles[t][i].
  static func rope(_ x: [Double], angles: [[Double]], heads: Int, E: Int) -> [Double] {
    var y = x
    for t in angles.indices {
      for h in 0..<heads {
        for i in 0..<E / 2 {
          let low = (t * heads + h) * E + i
          let (a, b) = (x[low], x[low + E / 2])
          y[low] = a * cos(angles[t][i]) - b * sin(angles[t][i])
          y[low + E / 2] = b * cos(angles[t][i]) + a * sin(angles[t][i])
        }
      }
    }
    return y
  }

  /// Σ over labelled rows of log Σ exp z - z_label, z = hidden W', capped where `cap` is given.
  static func crossEntropy(
    _ hidden: [Double], _ weight: [Double], labels: [Int32], V: Int, D: Int, cap: Double? = nil
  ) -> Double {
    var loss = 0.0
    for (t, label) in labels.enumerated() where label >= 0 {
      let z = logits(hidden, weight, row: t, V: V, D: D, cap: cap)
      let largest = z.reduce(-.infinity, max)
      loss += largest + log(z.reduce(0) { $0 + exp($1 - largest) }) - z[Int(label)]
    }
    return loss
  }

  static func crossEntropyGradient(
    _ hidden: [Double], _ weight: [Double], labels: [Int32], V: Int, D: Int, cap: Double? = nil
  ) -> [Double] {
    var gradient = [Double](repeating: 0, count: hidden.count)
    for (t, label) in labels.enumerated() where label >= 0 {
      let z = logits(hidden, weight, row: t, V: V, D: D, cap: cap)
      let largest = z.reduce(-.infinity, max)
      let total = z.reduce(0) { $0 + exp($1 - largest) }
      for v in 0..<V {
        let slope = cap.map { 1 - (z[v] / $0) * (z[v] / $0) } ?? 1
        let dz = (exp(z[v] - largest) / total - (v == Int(label) ? 1 : 0)) * slope
        for d in 0..<D { gradient[t * D + d] += dz * weight[v * D + d] }
      }
    }
    return gradient
  }

  private static func logits(
    _ hidden: [Double], _ weight: [Double], row t: Int, V: Int, D: Int, cap: Double?
  ) -> [Double] {
    (0..<V).map { v in
      let z = (0..<D).reduce(0) { $0 + hidden[t * D + $1] * weight[v * D + $1] }
      return cap.map { $0 * tanh(z / $0) } ?? z
    }
  }
}
