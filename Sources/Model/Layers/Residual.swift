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
///     y = x + f(norm(x))        or, with a norm behind the branch,  y = x + norm₂(f(norm(x)))
///
/// x and y, the residual stream, are float32 also where activations are bfloat16: rounding it after
/// every layer would cost more exactness than all else.
package struct Residual<Branch: ResidualBranch> {
  package let branch: Branch
  package let inputNorm: RMSNorm
  package let outputNorm: RMSNorm?

  /// What `backward` needs besides x.
  package struct Saved {
    let branch: Branch.Saved
    let inverseRMS: Tensor  // [T]
    let output: Output?

    /// For the norm behind the branch.
    struct Output {
      let value: Tensor  // f(norm(x)), float32 [L, D]
      let inverseRMS: Tensor  // [L]
    }
  }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    let (workspace, outputs) = (pass.workspace, pass.outputs(of: tokens))
    return Saved(
      branch: branch.makeSaved(tokens: tokens, pass: pass),
      inverseRMS: workspace.tensor([tokens]),
      output: outputNorm.map { norm in
        Saved.Output(
          value: workspace.tensor([outputs, norm.weight.count]),
          inverseRMS: workspace.tensor([outputs]))
      })
  }

  /// - Parameters:
  ///   - x: float32 [T, D]
  ///   - y: float32 [L, D], overwritten; nil where only `saved` is wanted.
  package func forward(_ x: Tensor, out y: Tensor?, saved: Saved, pass: Pass) {
    pass.workspace.scope {
      let normalized = pass.activation(x.shape)
      inputNorm.forward(x, out: normalized, inverseRMS: saved.inverseRMS)
      let residual = y == nil ? nil : pass.selected(x)
      guard let outputNorm, let output = saved.output else {
        branch.forward(normalized, residual: residual, out: y, saved: saved.branch, pass: pass)
        return
      }
      branch.forward(
        normalized, residual: nil, out: output.value, saved: saved.branch, pass: pass)
      outputNorm.forward(
        output.value, residual: residual, out: y ?? pass.workspace.tensor(output.value.shape),
        inverseRMS: output.inverseRMS)
    }
  }

  /// Makes the gradient of x of that of y, and adds to the adapters' gradients.
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
      let normalized = pass.activation(x.shape)
      let dNormalized = dX.map { _ in pass.activation(x.shape) }
      inputNorm.forward(x, out: normalized, inverseRMS: saved.inverseRMS)
      pass.workspace.scope {
        branch.backward(
          dOut: branchGradient(gradient, saved: saved, pass: pass), x: normalized,
          saved: saved.branch, into: dNormalized, pass: pass)
      }
      guard let dX, let dNormalized else { return }
      if let selection = pass.selection {
        Kernels.scatterRows(gradient, places: selection.places, out: dX)
      }
      inputNorm.backward(
        dOut: dNormalized, x: x, inverseRMS: saved.inverseRMS, into: dX, accumulating: true)
    }
  }

  /// The gradient of f's output.
  private func branchGradient(_ gradient: Tensor, saved: Saved, pass: Pass) -> Tensor {
    guard let outputNorm, let output = saved.output else {
      return pass.activation(of: gradient)
    }
    let dOut = pass.activation(gradient.shape)
    outputNorm.backward(
      dOut: gradient, x: output.value, inverseRMS: output.inverseRMS, into: dOut,
      accumulating: false)
    return dOut
  }
}

extension ResidualNorms {
  private var width: Int { input.weight.count }

  /// Bytes of `Residual.Saved`, without the branch's part.
  func savedBytes(tokens: Int, outputs: Int) -> Int {
    tokens * 4 + (output == nil ? 0 : outputs * 4 * (width + 1))
  }

  /// Bytes that `Residual.backward` works in, without the branch's part: the normalized input, its
  /// gradient and the gradient of the branch's output.
  func backwardBytes(tokens: Int, outputs: Int, activations: DataType) -> Int {
    (2 * tokens + outputs) * width * activations.size
  }
}
