package import Tensors

/// A decoder language model with a frozen base. Adapters, where there are some, come with each pass.
///
/// Forward and backward are two lists of calls in opposite order; there is no tape.
package final class CausalLM {
  package let specification: ModelSpecification
  package let embedding: Tensor  // [V, D], float32 or bfloat16
  /// Multiplies the embeddings, rounded to their type.
  let embeddingScale: Float
  package let layers: [DecoderLayer]
  package let finalNorm: RMSNorm
  package let head: OutputHead
  package let workspace: Workspace
  /// Type of activations and products: float32 or bfloat16.
  package var activations: DataType { embedding.dataType }

  init(
    specification: ModelSpecification, embedding: Tensor, embeddingScale: Float,
    layers: [DecoderLayer], finalNorm: RMSNorm, head: OutputHead, workspace: Workspace
  ) {
    self.specification = specification
    self.embedding = embedding
    self.embeddingScale = embeddingScale
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
    prepareRotation(positions: batch.segments.longest)
    return Pass(
      workspace: workspace, activations: activations, segments: batch.segments,
      positions: batch.positions, adapters: adapters, dropout: dropout)
  }

  /// The last layer's output is wanted for some tokens only.
  private func pass(_ pass: Pass, layer: Int, of batch: TokenBatch) -> Pass {
    guard layer == layers.count - 1 else { return pass }
    var last = pass
    last.selection = batch.selection
    return last
  }

  private func prepareRotation(positions: Int) {
    for layer in layers { layer.attention.branch.rotary.prepare(positions: positions) }
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
    embed(batch.ids, out: x)
    var trained: [TrunkStep] = []
    for (index, layer) in layers.enumerated() {
      let isTrained = index >= firstTrained
      let pass = self.pass(pass, layer: index, of: batch)
      let outputs = pass.outputs(of: batch.tokens)
      let y =
        isTrained
        ? workspace.tensor([outputs, shape[1]]) : alternating[(index + 1) % 2].rows(0..<outputs)
      if isTrained && !checkpointing {
        let saved = layer.makeSaved(tokens: batch.tokens, pass: pass)
        layer.forward(x, out: y, saved: saved, pass: pass)
        trained.append(TrunkStep(layer: index, input: x, saved: saved))
      } else {
        workspace.scope {
          let saved = layer.makeSaved(tokens: batch.tokens, pass: pass)
          layer.forward(x, out: y, saved: saved, pass: pass)
        }
        if isTrained { trained.append(TrunkStep(layer: index, input: x, saved: nil)) }
      }
      x = y
    }
    return (x, trained)
  }

  private func embed(_ ids: Tensor, out: Tensor) {
    Kernels.embedding(ids: ids, weight: embedding, out: out)
    if embeddingScale != 1 { Kernels.scale(out, by: embeddingScale) }
  }

  private func recompute(_ layer: DecoderLayer, input: Tensor, pass: Pass) -> DecoderLayer.Saved {
    let saved = layer.makeSaved(tokens: input.shape[0], pass: pass)
    layer.forward(input, out: nil, saved: saved, pass: pass)
    return saved
  }

  private func normalized(_ x: Tensor) -> (out: Tensor, inverseRMS: Tensor) {
    let out = workspace.tensor(x.shape, activations)
    let inverseRMS = workspace.tensor([x.shape[0]])
    finalNorm.forward(x, out: out, inverseRMS: inverseRMS)
    return (out, inverseRMS)
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
        dOut: dHidden, x: output, inverseRMS: hidden.inverseRMS, into: gradient,
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
    prepareRotation(positions: cache.count + ids.count)
    let logits = workspace.tensor([1, specification.vocabularySize])
    workspace.scope {
      let positions = (cache.count..<cache.count + ids.count).map(Int32.init)
      let pass = Pass(
        workspace: workspace, activations: activations, segments: Segments(lengths: [ids.count]),
        positions: Tensor.from(positions, .int32), adapters: adapters, cache: cache)
      var x = workspace.tensor([ids.count, specification.hiddenSize])
      var y = workspace.tensor(x.shape)
      embed(Tensor.from(ids, .int32), out: x)
      for layer in layers {
        workspace.scope {
          let saved = layer.makeSaved(tokens: ids.count, pass: pass)
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
