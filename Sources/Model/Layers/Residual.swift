package import Tensors

/// A layer that sits on a branch of the residual stream: attention or feed-forward.
///
/// T tokens go in. L come out: those that the pass selects, where it does, else all.
package protocol ResidualBranch {
  associatedtype Saved
  /// Takes the memory of what `backward` needs besides the input.
  func makeSaved(tokens: Int, pass: Pass) -> Saved
  /// - Parameters:
  ///   - x: [T, D], normalized, in the type of activations.
  ///   - residual: float32 [L, D], added to the result.
  ///   - y: float32 [L, D], overwritten; nil where only `saved` is wanted, which costs a product less.
  func forward(_ x: Tensor, residual: Tensor?, out y: Tensor?, saved: Saved, pass: Pass)
  /// Adds to the adapters' gradients and writes `dX` [T, D]; nil where the input needs no gradient.
  ///
  /// - Parameters:
  ///   - dOut: [L, D] in the type of activations.
  ///   - x: The input of `forward`.
  func backward(dOut: Tensor, x: Tensor, saved: Saved, into dX: Tensor?, pass: Pass)
}

/// A branch f with its norms, around a residual connection.
///
///     y = r + c f(norm(x))      or, with a norm behind the branch,  y = r + norm₂(f(norm(x)))
///
/// r is x itself, unless the layer has added something to it already. x, r and y, the residual stream,
/// are float32 also where activations are bfloat16: rounding it after every layer would cost more
/// exactness than all else.
package struct Residual<Branch: ResidualBranch> {
  package let branch: Branch
  /// nil: the branch sees x as it is.
  package let inputNorm: Norm?
  package let outputNorm: Norm?
  /// c; 1 where there is a norm behind the branch.
  package let scale: Float

  /// What `backward` needs besides x.
  package struct Saved {
    let branch: Branch.Saved
    let statistics: Tensor?  // of T rows
    let output: Output?

    /// For the norm behind the branch.
    struct Output {
      let value: Tensor  // f(norm(x)), float32 [L, D]
      let statistics: Tensor  // of L rows
    }
  }

  /// - Parameter width: D.
  package func makeSaved(tokens: Int, width: Int, pass: Pass) -> Saved {
    let (workspace, outputs) = (pass.workspace, pass.outputs(of: tokens))
    return Saved(
      branch: branch.makeSaved(tokens: tokens, pass: pass),
      statistics: inputNorm?.makeStatistics(count: tokens * width, workspace: workspace),
      output: outputNorm.map { norm in
        Saved.Output(
          value: workspace.tensor([outputs, width]),
          statistics: norm.makeStatistics(count: outputs * width, workspace: workspace))
      })
  }

  /// - Parameters:
  ///   - x: float32 [T, D]
  ///   - residual: r, float32 [L, D]; nil: x, of the tokens that the pass selects.
  ///   - y: float32 [L, D], overwritten, may be r; nil where only `saved` is wanted.
  package func forward(
    _ x: Tensor, residual: Tensor? = nil, out y: Tensor?, saved: Saved, pass: Pass
  ) {
    let workspace = pass.workspace
    workspace.scope {
      let normalized = normalized(x, saved: saved, pass: pass)
      let residual = y == nil ? nil : residual ?? pass.selected(x)
      if let outputNorm, let output = saved.output {
        branch.forward(
          normalized, residual: nil, out: output.value, saved: saved.branch, pass: pass)
        outputNorm.forward(
          output.value, residual: residual, out: y ?? workspace.tensor(output.value.shape),
          statistics: output.statistics)
      } else if let y, scale != 1 {
        let value = workspace.tensor(y.shape)
        branch.forward(normalized, residual: nil, out: value, saved: saved.branch, pass: pass)
        Kernels.addScaled(value, by: scale, residual: residual, into: y)
      } else {
        branch.forward(normalized, residual: residual, out: y, saved: saved.branch, pass: pass)
      }
    }
  }

  private func normalized(_ x: Tensor, saved: Saved, pass: Pass) -> Tensor {
    guard let inputNorm, let statistics = saved.statistics else { return pass.activation(of: x) }
    let normalized = pass.activation(x.shape)
    inputNorm.forward(x, out: normalized, statistics: statistics)
    return normalized
  }

  /// Makes the gradient of x of that of y, where r is x, and adds to the adapters' gradients.
  ///
  /// - Parameters:
  ///   - gradient: dy, float32 [L, D].
  ///   - x: The input of `forward`.
  ///   - dX: float32 [T, D], overwritten: `gradient` itself, or another where tokens are selected; nil
  ///     where nothing before this branch is trained.
  package func backward(
    gradient: Tensor, x: Tensor, saved: Saved, into dX: Tensor?, pass: Pass
  ) {
    pass.workspace.scope {
      let dNormalized = dX.map { _ in pass.activation(x.shape) }
      backwardOfBranch(gradient: gradient, x: x, saved: saved, into: dNormalized, pass: pass)
      guard let dX, let dNormalized else { return }
      if let selection = pass.selection {
        Kernels.scatterRows(gradient, places: selection.places, out: dX)
      }
      addInputGradient(dNormalized, x: x, saved: saved, to: dX)
    }
  }

  /// The gradient of norm(x), and the adapters' gradients.
  ///
  /// - Parameters:
  ///   - gradient: dy, float32 [L, D].
  ///   - x: The input of `forward`.
  ///   - dNormalized: [T, D] in the type of activations, overwritten; nil where it is not needed.
  func backwardOfBranch(
    gradient: Tensor, x: Tensor, saved: Saved, into dNormalized: Tensor?, pass: Pass
  ) {
    pass.workspace.scope {
      branch.backward(
        dOut: branchGradient(gradient, saved: saved, pass: pass),
        x: normalized(x, saved: saved, pass: pass), saved: saved.branch, into: dNormalized,
        pass: pass)
    }
  }

  /// Adds the gradient of x through norm(x) to `dX`, float32 [T, D].
  func addInputGradient(_ dNormalized: Tensor, x: Tensor, saved: Saved, to dX: Tensor) {
    guard let inputNorm, let statistics = saved.statistics else {
      Kernels.addScaled(dNormalized, by: 1, residual: dX, into: dX)
      return
    }
    inputNorm.backward(
      dOut: dNormalized, x: x, statistics: statistics, into: dX, accumulating: true)
  }

  /// The gradient of f's output.
  private func branchGradient(_ gradient: Tensor, saved: Saved, pass: Pass) -> Tensor {
    if let outputNorm, let output = saved.output {
      let dOut = pass.activation(gradient.shape)
      outputNorm.backward(
        dOut: gradient, x: output.value, statistics: output.statistics, into: dOut,
        accumulating: false)
      return dOut
    }
    guard scale != 1 else { return pass.activation(of: gradient) }
    let dOut = pass.activation(gradient.shape)
    Kernels.addScaled(gradient, by: scale, into: dOut)
    return dOut
  }
}

extension ResidualNorms {
  /// Bytes of `Residual.Saved`, without the branch's part.
  func savedBytes(tokens: Int, outputs: Int, width: Int) -> Int {
    let atInput = input?.statisticsBytes(count: tokens * width) ?? 0
    guard let output else { return atInput }
    return atInput + outputs * width * 4 + output.statisticsBytes(count: outputs * width)
  }

  /// Bytes that `Residual.backward` works in, without the branch's part: the normalized input, its
  /// gradient and the gradient of the branch's output.
  func backwardBytes(tokens: Int, outputs: Int, width: Int, activations: DataType) -> Int {
    (2 * tokens + outputs) * width * activations.size
  }
}
