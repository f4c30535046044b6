package import Tensors

/// A decoder language model with a frozen base. Adapters, where there are some, come with each pass.
///
/// Forward and backward are two lists of calls in opposite order; there is no tape.
package final class CausalLM {
  package let specification: ModelSpecification
  package let embedding: Tensor  // [V, D], float32 or bfloat16
  /// Multiplies the embeddings, rounded to their type.
  let embeddingScale: Float
  /// Learned positions [P, D], in the type of the embeddings.
  let learnedPositions: Tensor?
  package let layers: [DecoderLayer]
  package let finalNorm: Norm
  package let head: OutputHead
  package let workspace: Workspace
  /// Type of activations and products: float32 or bfloat16.
  package var activations: DataType { embedding.dataType }

  init(
    specification: ModelSpecification, embedding: Tensor, embeddingScale: Float,
    learnedPositions: Tensor?, layers: [DecoderLayer], finalNorm: Norm, head: OutputHead,
    workspace: Workspace
  ) {
    self.specification = specification
    self.embedding = embedding
    self.embeddingScale = embeddingScale
    self.learnedPositions = learnedPositions
    self.layers = layers
    self.finalNorm = finalNorm
    self.head = head
    self.workspace = workspace
  }

  // MARK: Training

  /// Sums the losses of a batch and adds the gradients of `gradientScale` · that sum to the adapters'
  /// parameters.
  ///
  /// - Parameters:
  ///   - gradientScale: One over the objective's denominator for the whole optimizer step, so that
  ///     accumulation over micro-batches equals one large batch.
  ///   - loss: float64 [1]; the sum of the losses is added.
  ///   - checkpointing: Keep only each layer's input and run its forward pass again in backward.
  package func accumulateGradients(
    _ batch: TokenBatch, adapters: AdapterSet, objective: any Objective, gradientScale: Double,
    loss: Tensor, checkpointing: Bool, dropout: DropoutKey?
  ) {
    precondition(!adapters.modules.isEmpty, "there is no adapter to train")
    workspace.scope {
      let pass = self.pass(batch, adapters: adapters, dropout: dropout)
      let firstTrained = adapters.firstLayer ?? layers.count
      let steps = trunk(batch, firstTrained: firstTrained, checkpointing: checkpointing, pass: pass)
      let gradient = workspace.tensor([batch.tokens, specification.hiddenSize])
      for step in steps.trained.reversed() {
        workspace.scope {
          let (layer, pass) = (layers[step.layer], self.pass(pass, layer: step.layer, of: batch))
          var dOut = gradient
          if step.layer == layers.count - 1 {
            // Of some tokens it is another tensor than that of all.
            if batch.selection != nil { dOut = workspace.tensor(steps.output.shape) }
            lossGradient(
              of: steps.output, batch: batch, objective: objective, scale: gradientScale,
              loss: loss, into: dOut)
          }
          let saved = step.saved ?? recompute(layer, input: step.input, pass: pass)
          layer.backward(
            gradient: dOut, x: step.input, saved: saved,
            into: step.layer > firstTrained ? gradient : nil, pass: pass)
        }
      }
    }
  }

  /// Adds the sum of the losses of a batch to `loss` (float64 [1]); nothing is trained.
  ///
  /// - Parameter adapters: nil: the base alone.
  package func accumulateLoss(
    _ batch: TokenBatch, adapters: AdapterSet?, objective: any Objective, loss: Tensor
  ) {
    workspace.scope {
      let pass = self.pass(batch, adapters: adapters, dropout: nil)
      let steps = trunk(batch, firstTrained: layers.count, checkpointing: false, pass: pass)
      objective.apply(
        normalized(steps.output).out, batch: batch, head: head, gradientScale: 1, into: nil,
        loss: loss, workspace: workspace)
    }
  }

  /// One layer's place in the forward pass, as backward needs it.
  private struct TrunkStep {
    let layer: Int
    let input: Tensor  // [T, D]
    let saved: DecoderLayer.Saved?  // nil: recompute
  }

  private func pass(_ batch: TokenBatch, adapters: AdapterSet?, dropout: DropoutKey?) -> Pass {
    precondition(
      batch.largestID < specification.vocabularySize,
      "token \(batch.largestID) of a vocabulary of \(specification.vocabularySize)")
    precondition(
      batch.segments.prefixes == nil || specification.rotationsAgree(upTo: batch.segments.longest),
      "rows share a beginning that is rotated differently in each")
    var pass = Pass(
      workspace: workspace, activations: activations, segments: batch.segments,
      positions: batch.positions, adapters: adapters, dropout: dropout)
    pass.rotationRows = prepareRotations(
      sequences: batch.segments.sequenceLengths, positions: batch.positions,
      tokens: batch.segments.lengths)
    return pass
  }

  /// The last layer's output is wanted for some tokens only.
  private func pass(_ pass: Pass, layer: Int, of batch: TokenBatch) -> Pass {
    guard layer == layers.count - 1 else { return pass }
    var last = pass
    last.selection = batch.selection
    return last
  }

  /// Makes the tables of all rotations cover some sequences.
  ///
  /// - Parameters:
  ///   - sequences: The lengths that rotations depend on, one for each segment.
  ///   - positions: Of all tokens, int32 [T].
  ///   - tokens: Of each segment.
  /// - Returns: `Pass.rotationRows`.
  private func prepareRotations(sequences: [Int], positions: Tensor, tokens: [Int]) -> Tensor? {
    let longest = sequences.max() ?? 0
    precondition(
      longest <= specification.longestSequence ?? longest,
      "\(longest) tokens of \(specification.longestSequence ?? 0) learned positions")
    let rotations = layers.compactMap(\.attention.branch.rotary)
    for rotation in rotations {
      let dependsOnLength = rotation.specification.scaling.dependsOnLength
      rotation.prepare(lengths: dependsOnLength ? sequences : [longest])
    }
    guard let rotation = rotations.first(where: { $0.specification.scaling.dependsOnLength })
    else { return nil }
    let starts = zip(sequences, tokens).flatMap { sequence, count in
      repeatElement(count == 0 ? 0 : rotation.firstRow(length: sequence), count: count)
    }
    let rows = zip(positions.toArray(Int32.self), starts).map { $0 + $1 }
    return Tensor.from(rows, .int32)
  }

  /// Embedding and all layers, the last for the batch's selection. Layers below the first trained one
  /// keep nothing.
  private func trunk(
    _ batch: TokenBatch, firstTrained: Int, checkpointing: Bool, pass: Pass
  ) -> (output: Tensor, trained: [TrunkStep]) {
    let shape = [batch.tokens, specification.hiddenSize]
    // Layers that keep nothing write to these two in turn.
    let alternating = [workspace.tensor(shape), workspace.tensor(shape)]
    var x = alternating[0]
    embed(batch.ids, positions: batch.positions, out: x)
    var trained: [TrunkStep] = []
    for (index, layer) in layers.enumerated() {
      let isTrained = index >= firstTrained
      let pass = self.pass(pass, layer: index, of: batch)
      let outputs = pass.outputs(of: batch.tokens)
      let y =
        isTrained
        ? workspace.tensor([outputs, shape[1]]) : alternating[(index + 1) % 2].rows(0..<outputs)
      if isTrained && !checkpointing {
        let saved = layer.makeSaved(tokens: batch.tokens, width: shape[1], pass: pass)
        layer.forward(x, out: y, saved: saved, pass: pass)
        trained.append(TrunkStep(layer: index, input: x, saved: saved))
      } else {
        workspace.scope {
          let saved = layer.makeSaved(tokens: batch.tokens, width: shape[1], pass: pass)
          layer.forward(x, out: y, saved: saved, pass: pass)
        }
        if isTrained { trained.append(TrunkStep(layer: index, input: x, saved: nil)) }
      }
      x = y
    }
    return (x, trained)
  }

  private func embed(_ ids: Tensor, positions: Tensor, out: Tensor) {
    Kernels.embedding(ids: ids, weight: embedding, out: out)
    if embeddingScale != 1 { Kernels.scale(out, by: embeddingScale) }
    guard let learnedPositions else { return }
    workspace.scope {
      let places = workspace.tensor(out.shape)
      Kernels.embedding(ids: positions, weight: learnedPositions, out: places)
      Kernels.add(places, into: out)
    }
  }

  private func recompute(_ layer: DecoderLayer, input: Tensor, pass: Pass) -> DecoderLayer.Saved {
    let saved = layer.makeSaved(tokens: input.shape[0], width: input.shape[1], pass: pass)
    layer.forward(input, out: nil, saved: saved, pass: pass)
    return saved
  }

  private func normalized(_ x: Tensor) -> (out: Tensor, statistics: Tensor) {
    let out = workspace.tensor(x.shape, activations)
    let statistics = finalNorm.makeStatistics(count: x.count, workspace: workspace)
    finalNorm.forward(x, out: out, statistics: statistics)
    return (out, statistics)
  }

  /// Final norm and objective; `gradient` receives that of the last layer's output [L, D].
  private func lossGradient(
    of output: Tensor, batch: TokenBatch, objective: any Objective, scale: Double, loss: Tensor,
    into gradient: Tensor
  ) {
    gradient.fillWithZeros()
    workspace.scope {
      let hidden = normalized(output)
      let dHidden = workspace.tensor(output.shape, activations)
      objective.apply(
        hidden.out, batch: batch, head: head, gradientScale: scale, into: dHidden, loss: loss,
        workspace: workspace)
      finalNorm.backward(
        dOut: dHidden, x: output, statistics: hidden.statistics, into: gradient,
        accumulating: true)
    }
  }

  // MARK: Generation

  /// Logits [1, V] of the token that follows `ids`, which join the cache.
  ///
  /// The result lives in the workspace: read it before the next call.
  ///
  /// - Parameter adapters: nil: the base alone.
  package func nextLogits(_ ids: [Int32], adapters: AdapterSet?, cache: KeyValueCache) -> Tensor {
    precondition(!ids.isEmpty && cache.count + ids.count <= cache.capacity, "cache overflow")
    precondition(
      ids.allSatisfy { (0..<Int32(specification.vocabularySize)).contains($0) },
      "a token outside the vocabulary of \(specification.vocabularySize)")
    let length = cache.count + ids.count
    let positions = Tensor.from((cache.count..<length).map(Int32.init), .int32)
    let rows = prepareRotations(sequences: [length], positions: positions, tokens: [ids.count])
    let logits = workspace.tensor([1, specification.vocabularySize])
    workspace.scope {
      var pass = Pass(
        workspace: workspace, activations: activations, segments: Segments(lengths: [ids.count]),
        positions: positions, adapters: adapters, cache: cache)
      pass.rotationRows = rows
      var x = workspace.tensor([ids.count, specification.hiddenSize])
      var y = workspace.tensor(x.shape)
      embed(Tensor.from(ids, .int32), positions: positions, out: x)
      for layer in layers {
        workspace.scope {
          let saved = layer.makeSaved(
            tokens: ids.count, width: specification.hiddenSize, pass: pass)
          layer.forward(x, out: y, saved: saved, pass: pass)
        }
        swap(&x, &y)
      }
      let last = normalized(x.rows(ids.count - 1..<ids.count))
      head.logits(last.out, out: logits, workspace: workspace)
    }
    cache.advance(by: ids.count)
    return logits
  }
}
