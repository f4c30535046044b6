/// What the code that makes tokens of rows is called in the key of a cache.
///
/// Raise it with every change after which some row becomes other tokens, labels, weights, verdicts or
/// fingerprints, or is kept in another way: caches made before are then made again. `RowCodeTests` fails
/// where the tokens of its rows have changed.
package enum RowCode {
  package static let version = 1
}
