/// The gradient of `function` at `point` by central differences, in double precision; good to about
/// nine digits where the function is smooth and of order one.
package func numericalGradient(
  of function: ([Double]) -> Double, at point: [Double], step: Double = 1e-5
) -> [Double] {
  var point = point
  return point.indices.map { index in
    let center = point[index]
    defer { point[index] = center }
    point[index] = center + step
    let above = function(point)
    point[index] = center - step
    return (above - function(point)) / (2 * step)
  }
}

/// Σ x y: turns an array-valued function into a scalar one for `numericalGradient`.
package func dot(_ x: [Double], _ y: [Double]) -> Double {
  zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
}
