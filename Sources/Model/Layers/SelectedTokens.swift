package import Tensors

/// The tokens of a flat batch whose output is wanted from the last layer: those with a target. Of the
/// others the layer needs keys and values only.
package struct SelectedTokens {
  /// Where they are in the batch, ascending; int32 [L].
  package let places: Tensor
  /// Their positions within their rows, int32 [L].
  package let positions: Tensor
  /// Their number, L.
  package var count: Int { places.count }

  /// - Parameters:
  ///   - places: Ascending, each once; at least one.
  ///   - positions: Of all tokens of the batch.
  package init(places: [Int32], positions: [Int32]) {
    precondition(!places.isEmpty, "no token is selected")
    self.places = Tensor.from(places, .int32)
    self.positions = Tensor.from(places.map { positions[Int($0)] }, .int32)
  }

  /// How many tokens the last layer works on: those with a target, or all where that saves little and
  /// copies would take more memory than it saves.
  package static func count(trained: Int, of tokens: Int) -> Int {
    trained > 0 && 4 * trained <= 3 * tokens ? trained : tokens
  }
}

extension Pass {
  /// How many of `tokens` tokens come out of an attention of this pass.
  func outputs(of tokens: Int) -> Int { selection?.count ?? tokens }

  /// The selected rows of `x` [T, D], a copy; `x` itself where all are wanted.
  func selected(_ x: Tensor) -> Tensor {
    guard let selection else { return x }
    let rows = workspace.tensor([selection.count, x.shape[1]], x.dataType)
    Kernels.gatherRows(x, places: selection.places, out: rows)
    return rows
  }

  /// The rows of `x` [L, D] at their places in [T, D], zeros elsewhere; `x` itself where all are there.
  func spread(_ x: Tensor) -> Tensor {
    guard let selection else { return x }
    let rows = workspace.tensor([segments.tokens, x.shape[1]], x.dataType)
    Kernels.scatterRows(x, places: selection.places, out: rows)
    return rows
  }

  /// The pass for what comes after an attention, whose tokens are all wanted.
  var withoutSelection: Pass {
    var pass = self
    pass.selection = nil
    return pass
  }
}
