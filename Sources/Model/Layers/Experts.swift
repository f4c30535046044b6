package import Tensors

/// A mixture of experts (Shazeer et al. 2017, arXiv:1701.06538; Jiang et al. 2024, arXiv:2401.04088): each
/// token goes through the k gated feed-forward layers that a router prefers for it.
///
///     y = Σ_e w_e W_d,e (act(x W_g,e') · (x W_u,e')),   w = the k largest of softmax(x W_r')
///
/// The tokens of one expert are gathered and go through it together. Its rows are scaled by w before the last
/// product, so that the gradient of w needs no product of its own: with x̂ = w p and p the gated product,
///
///     dx̂ = dy W_d      dw = dx̂ · p      dp = w dx̂
///
/// Gradients go through w to the router's input; the router is frozen.
package struct Experts: ResidualBranch {
  /// [experts, D], in the type of activations.
  package let router: BaseWeight
  package let experts: [Expert]
  /// Experts of a token, k.
  package let chosen: Int
  /// Whether the weights of a token's experts are divided by their sum.
  package let normalizes: Bool
  package let activation: Activation

  package struct Expert {
    package let gate: Linear  // [F, D]
    package let up: Linear  // [F, D]
    package let down: Linear  // [D, F]
  }

  /// What `backward` needs; per token k · 2F activations and the router's softmax. What adapters keep is made
  /// again: how many tokens an expert has is not known before.
  package struct Saved {
    let gate: Tensor  // [T·k, F], rows in the order of the experts
    let up: Tensor  // [T·k, F]
    let probabilities: Tensor  // float32 [T, experts]
    let choices: Tensor  // int32 [T, k]
    let weights: Tensor  // float32 [T, k]
    let assignment: Assignment
  }

  /// Which rows belong to which expert. Made in the forward pass.
  final class Assignment {
    /// Of each expert, the first of its rows; and the end of the last.
    fileprivate(set) var starts: [Int] = []
    /// The token of each row, int32 [T·k]; ascending within an expert.
    fileprivate(set) var tokens: [Int32] = []
    /// The place of each row's weight in `weights`, int32 [T·k].
    fileprivate(set) var places: [Int32] = []
  }

  private var width: Int { experts[0].down.weight.inputs }

  package func makeSaved(tokens: Int, pass: Pass) -> Saved {
    let workspace = pass.workspace
    return Saved(
      gate: pass.activation([tokens * chosen, width]),
      up: pass.activation([tokens * chosen, width]),
      probabilities: workspace.tensor([tokens, experts.count]),
      choices: workspace.tensor([tokens, chosen], .int32),
      weights: workspace.tensor([tokens, chosen]), assignment: Assignment())
  }

  // MARK: Forward

  package func forward(
    _ x: Tensor, residual: Tensor?, out y: Tensor?, saved: Saved, pass: Pass
  ) {
    route(x, saved: saved, pass: pass)
    if let y {
      switch residual {
      case nil: y.fillWithZeros()
      case let residual? where residual !== y: Kernels.copy(residual, into: y)
      default: break
      }
    }
    forEachExpert(saved) { expert, rows in
      pass.workspace.scope {
        let input = rows.gathered(x, pass: pass)
        expert.gate.forward(
          input, out: rows.of(saved.gate), saved: rows.adapter(of: expert.gate, pass: pass),
          workspace: pass.workspace)
        expert.up.forward(
          input, out: rows.of(saved.up), saved: rows.adapter(of: expert.up, pass: pass),
          workspace: pass.workspace)
        guard let y else { return }
        let product = gated(rows, saved: saved, pass: pass)
        Kernels.scaleRows(product, by: rows.weights(saved, pass: pass), into: product)
        let output = pass.workspace.tensor([rows.count, y.shape[1]])
        expert.down.forward(
          product, out: output, saved: rows.adapter(of: expert.down, pass: pass),
          workspace: pass.workspace)
        Kernels.addRows(output, places: rows.tokens, into: y)
      }
    }
  }

  private func route(_ x: Tensor, saved: Saved, pass: Pass) {
    Kernels.linearForward(
      x: x, weight: router, out: saved.probabilities, workspace: pass.workspace)
    Kernels.route(
      saved.probabilities, normalize: normalizes, choices: saved.choices, weights: saved.weights)
    let choices = saved.choices.toArray(Int32.self)
    var counts = [Int](repeating: 0, count: experts.count + 1)
    for expert in choices { counts[Int(expert) + 1] += 1 }
    for index in 1..<counts.count { counts[index] += counts[index - 1] }
    let assignment = saved.assignment
    assignment.starts = counts
    var next = counts
    var (tokens, places) = (choices, choices)
    for (place, expert) in choices.enumerated() {
      let row = next[Int(expert)]
      next[Int(expert)] += 1
      (tokens[row], places[row]) = (Int32(place / chosen), Int32(place))
    }
    (assignment.tokens, assignment.places) = (tokens, places)
  }

  /// The rows of one expert among those of all.
  private struct Rows {
    let range: Range<Int>
    let tokens: Tensor  // int32 [n]
    let places: Tensor  // int32 [n]

    var count: Int { range.count }

    func of(_ x: Tensor) -> Tensor { x.rows(range) }

    func gathered(_ x: Tensor, pass: Pass) -> Tensor {
      let rows = pass.workspace.tensor([count, x.shape[1]], x.dataType)
      Kernels.gatherRows(x, places: tokens, out: rows)
      return rows
    }

    func weights(_ saved: Saved, pass: Pass) -> Tensor {
      let weights = pass.workspace.tensor([count, 1])
      let all = saved.weights.reshaped([saved.weights.count, 1])
      Kernels.gatherRows(all, places: places, out: weights)
      return weights.reshaped([count])
    }

    func adapter(of linear: Linear, pass: Pass) -> Linear.Saved {
      linear.makeSaved(tokens: count, pass: pass)
    }
  }

  private func forEachExpert(_ saved: Saved, _ body: (Expert, Rows) -> Void) {
    let assignment = saved.assignment
    for (index, expert) in experts.enumerated() {
      let range = assignment.starts[index]..<assignment.starts[index + 1]
      guard !range.isEmpty else { continue }
      body(
        expert,
        Rows(
          range: range, tokens: Tensor.from(Array(assignment.tokens[range]), .int32),
          places: Tensor.from(Array(assignment.places[range]), .int32)))
    }
  }

  /// p = act(gate) · up
  private func gated(_ rows: Rows, saved: Saved, pass: Pass) -> Tensor {
    let product = pass.activation([rows.count, width])
    Kernels.gatedForward(
      activation, gate: rows.of(saved.gate), up: rows.of(saved.up), out: product)
    return product
  }

  // MARK: Backward

  package func backward(dOut: Tensor, x: Tensor, saved: Saved, into dX: Tensor?, pass: Pass) {
    pass.workspace.scope {
      // Sums over the experts of a token, in their order.
      let sums = dX.map { pass.workspace.tensor($0.shape) }
      sums?.fillWithZeros()
      let dWeights = pass.workspace.tensor([saved.weights.count, 1])
      dWeights.fillWithZeros()
      forEachExpert(saved) { expert, rows in
        pass.workspace.scope {
          backward(
            expert, rows, dOut: dOut, x: x, saved: saved, into: sums, dWeights: dWeights,
            pass: pass)
        }
      }
      guard let dX, let sums else { return }
      addRouterGradient(dWeights, saved: saved, to: sums, pass: pass)
      Kernels.convert(sums, into: dX)
    }
  }

  private func backward(
    _ expert: Expert, _ rows: Rows, dOut: Tensor, x: Tensor, saved: Saved, into sums: Tensor?,
    dWeights: Tensor, pass: Pass
  ) {
    let workspace = pass.workspace
    let (input, dOut) = (rows.gathered(x, pass: pass), rows.gathered(dOut, pass: pass))
    let weights = rows.weights(saved, pass: pass)
    let product = gated(rows, saved: saved, pass: pass)
    let scaled = pass.activation(product.shape)
    Kernels.scaleRows(product, by: weights, into: scaled)
    let dScaled = pass.activation(product.shape)
    Linear.backward(
      [branch(expert.down, dOut: dOut, x: scaled, rows: rows, pass: pass)], x: scaled,
      into: dScaled, workspace: workspace)
    let dots = workspace.tensor([rows.count, 1])
    Kernels.rowDots(dScaled, product, out: dots)
    // Every weight belongs to one row, so each place is written once; places ascend within an expert.
    Kernels.addRows(dots, places: rows.places, into: dWeights)
    Kernels.scaleRows(dScaled, by: weights, into: dScaled)
    let (dGate, dUp) = (scaled, dScaled)
    Kernels.gatedBackward(
      activation, dOut: dScaled, gate: rows.of(saved.gate), up: rows.of(saved.up), dGate: dGate,
      dUp: dUp)
    let dInput = sums.map { _ in pass.activation(input.shape) }
    Linear.backward(
      [
        branch(expert.gate, dOut: dGate, x: input, rows: rows, pass: pass),
        branch(expert.up, dOut: dUp, x: input, rows: rows, pass: pass),
      ], x: input, into: dInput, workspace: workspace)
    guard let sums, let dInput else { return }
    let wide = workspace.tensor(dInput.shape)
    Kernels.convert(dInput, into: wide)
    Kernels.addRows(wide, places: rows.tokens, into: sums)
  }

  /// A layer with what its adapter keeps of x, made again.
  private func branch(
    _ linear: Linear, dOut: Tensor, x: Tensor, rows: Rows, pass: Pass
  ) -> Linear.Branch {
    let saved = rows.adapter(of: linear, pass: pass)
    linear.recompute(x, saved: saved)
    return Linear.Branch(linear: linear, dOut: dOut, saved: saved)
  }

  private func addRouterGradient(
    _ dWeights: Tensor, saved: Saved, to sums: Tensor, pass: Pass
  ) {
    let workspace = pass.workspace
    workspace.scope {
      let dLogits = workspace.tensor(saved.probabilities.shape)
      Kernels.routeBackward(
        dWeights: dWeights, probabilities: saved.probabilities, normalize: normalizes,
        choices: saved.choices, weights: saved.weights, dLogits: dLogits)
      let dX = pass.activation(sums.shape)
      Kernels.linearBackward(
        [LinearGradientTerm(dOut: pass.activation(of: dLogits), weight: router)], into: dX,
        workspace: workspace)
      Kernels.addScaled(dX, by: 1, residual: sums, into: sums)
    }
  }
}

extension ExpertsSpecification {
  /// Bytes of `Experts.Saved`; adapters keep nothing here.
  func savedBytes(tokens: Int, activations: DataType) -> Int {
    2 * tokens * chosen * width * activations.size + tokens * (experts.count + 2 * chosen) * 4
  }

  /// Bytes that `Experts.backward` works in where one expert has all tokens: its input, its output's gradient
  /// and its input's, in both types; three products; sums and the router's gradients.
  func backwardBytes(tokens: Int, hiddenSize: Int, activations: DataType) -> Int {
    tokens * (3 * hiddenSize + 3 * width) * activations.size
      + tokens * (2 * hiddenSize + chosen + experts.count + 2) * 4
      + tokens * (hiddenSize + experts.count) * activations.size
  }
}
