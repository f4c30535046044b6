import Foundation

/// Causal attention in segments with grouped key/value heads, plain and in double precision.
struct AttentionReference {
  let starts: [Int]
  let H: Int
  let G: Int
  let E: Int
  let scale: Double
  var cap: Double?
  var window: Int?
  /// For each segment its prefix; none where it is empty.
  var prefixes: [Int?] = []

  var T: Int { starts[starts.count - 1] }

  /// Calls `body` with every query token and head, the group of the head and the keys it sees.
  private func forEachQuery(
    _ body: (_ t: Int, _ h: Int, _ g: Int, _ keys: [Int]) -> Void
  ) {
    for segment in 0..<starts.count - 1 {
      let prefix = prefixes.isEmpty ? nil : prefixes[segment]
      let before = prefix.map { Array(starts[$0]..<starts[$0 + 1]) } ?? []
      for t in starts[segment]..<starts[segment + 1] {
        let row = before + Array(starts[segment]...t)
        for h in 0..<H { body(t, h, h / (H / G), row.suffix(window ?? row.count)) }
      }
    }
  }

  /// `slopes` are the derivatives of the scores by scale · q · k.
  private func weights(_ q: [Double], _ k: [Double], t: Int, h: Int, g: Int, keys: [Int])
    -> (weights: [Double], slopes: [Double], logSumExp: Double)
  {
    let products = keys.map { j in
      (0..<E).reduce(0) { $0 + q[(t * H + h) * E + $1] * k[(j * G + g) * E + $1] } * scale
    }
    let scores = products.map { product in cap.map { $0 * tanh(product / $0) } ?? product }
    let slopes = scores.map { score in cap.map { 1 - (score / $0) * (score / $0) } ?? 1 }
    let largest = scores.reduce(-.infinity, max)
    let total = scores.reduce(0) { $0 + exp($1 - largest) }
    return (scores.map { exp($0 - largest) / total }, slopes, largest + log(total))
  }

  func forward(_ q: [Double], _ k: [Double], _ v: [Double]) -> (
    out: [Double], logSumExp: [Double]
  ) {
    var out = [Double](repeating: 0, count: T * H * E)
    var logSumExp = [Double](repeating: 0, count: T * H)
    forEachQuery { t, h, g, keys in
      let (weights, _, sum) = weights(q, k, t: t, h: h, g: g, keys: keys)
      logSumExp[t * H + h] = sum
      for (j, weight) in zip(keys, weights) {
        for e in 0..<E { out[(t * H + h) * E + e] += weight * v[(j * G + g) * E + e] }
      }
    }
    return (out, logSumExp)
  }

  func backward(_ dOut: [Double], _ q: [Double], _ k: [Double], _ v: [Double]) -> (
    dQ: [Double], dK: [Double], dV: [Double]
  ) {
    var dQ = [Double](repeating: 0, count: q.count)
    var dK = [Double](repeating: 0, count: k.count)
    var dV = [Double](repeating: 0, count: v.count)
    forEachQuery { t, h, g, keys in
      let query = (t * H + h) * E
      let (weights, slopes, _) = weights(q, k, t: t, h: h, g: g, keys: keys)
      let dWeights = keys.map { j in
        (0..<E).reduce(0) { $0 + dOut[query + $1] * v[(j * G + g) * E + $1] }
      }
      let mean = zip(weights, dWeights).reduce(0) { $0 + $1.0 * $1.1 }
      for (index, j) in keys.enumerated() {
        let dScore = weights[index] * (dWeights[index] - mean) * slopes[index] * scale
        for e in 0..<E {
          let key = (j * G + g) * E + e
          dQ[query + e] += dScore * k[key]
          dK[key] += dScore * q[query + e]
          dV[key] += weights[index] * dOut[query + e]
        }
      }
    }
    return (dQ, dK, dV)
  }
}
