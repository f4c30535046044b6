package import Tensors

/// A Llama-architecture language model (Touvron et al. 2023, arXiv:2302.13971) with a frozen base
/// and, if it is being adapted, trained adapters.
///
/// Forward and backward are two lists of calls in opposite order; there is no tape.
package final class CausalLM {
  package let configuration: LlamaConfiguration
  package let embedding: Tensor  // [V, D], float32 or bfloat16
  package internal(set) var layers: [DecoderLayer]
  package let finalNorm: RMSNorm
  /// The output head [V, D]; the embedding itself where the two are tied.
  package let head: BaseWeight
  package let workspace: Workspace
  /// Type of activations and products: float32 or bfloat16.
  package var activations: DataType {
    if case .bfloat16 = head { .bfloat16 } else { .float32 }
  }

  init(
    configuration: LlamaConfiguration, embedding: Tensor, layers: [DecoderLayer],
    finalNorm: RMSNorm, head: BaseWeight, workspace: Workspace
  ) {
    self.configuration = configuration
    self.embedding = embedding
    self.layers = layers
    self.finalNorm = finalNorm
    self.head = head
    self.workspace = workspace
  }

  // MARK: Training

  /// Sums the token losses of a batch and adds the gradients of `gradientScale` · that sum to the
  /// adapters' parameters.
  ///
  /// - Parameters:
  ///   - gradientScale: 1 / trained tokens of the whole optimizer step, so that accumulation over
  ///     micro-batches equals one large batch.
  ///   - loss: float64 [1]; the sum of the token losses is added.
  ///   - checkpointing: Keep only each layer's input and run its forward pass again in backward.
  package func accumulateGradients(
    _ batch: TokenBatch, gradientScale: Double, loss: Tensor, checkpointing: Bool,
    dropout: DropoutKey?
  ) {
    workspace.scope {
      let pass = self.pass(batch, dropout: dropout)
      let firstTrained = layers.firstIndex { $0.isTrained } ?? layers.count
      let steps = trunk(batch, firstTrained: firstTrained, checkpointing: checkpointing, pass: pass)
      let gradient = lossGradient(
        of: steps.output, batch: batch, gradientScale: gradientScale, loss: loss)
      for step in steps.trained.reversed() {
        workspace.scope {
          let layer = layers[step.layer]
          let saved = step.saved ?? recompute(layer, input: step.input, pass: pass)
          layer.backward(
            gradient: gradient, x: step.input, saved: saved,
            needsInputGradient: step.layer > firstTrained, pass: pass)
        }
      }
    }
  }

  /// Adds the sum of the token losses of a batch to `loss` (float64 [1]); nothing is trained.
  package func accumulateLoss(_ batch: TokenBatch, loss: Tensor) {
    workspace.scope {
      let pass = self.pass(batch, dropout: nil)
      let steps = trunk(batch, firstTrained: layers.count, checkpointing: false, pass: pass)
      let hidden = normalized(steps.output)
      Kernels.linearCrossEntropy(
        hidden: hidden.out, weight: head, labels: batch.targets, gradientScale: 1, loss: loss,
        dHidden: nil, workspace: workspace)
    }
  }

  /// One layer's place in the forward pass, as backward needs it.
  private struct TrunkStep {
    let layer: Int
    let input: Tensor  // [T, D]
    let saved: DecoderLayer.Saved?  // nil: recompute
  }

  private func pass(_ batch: TokenBatch, dropout: DropoutKey?) -> Pass {
    layers.first?.attention.rotary.prepare(positions: batch.longestSegment)
    return Pass(
      workspace: workspace, activations: activations, segments: batch.segments,
      positions: batch.positions, dropout: dropout)
  }

  /// Embedding and all layers. Layers below the first trained one keep nothing.
  private func trunk(
    _ batch: TokenBatch, firstTrained: Int, checkpointing: Bool, pass: Pass
  ) -> (output: Tensor, trained: [TrunkStep]) {
    let shape = [batch.tokens, configuration.hiddenSize]
    // Layers that keep nothing write to these two in turn.
    let alternating = [workspace.tensor(shape), workspace.tensor(shape)]
    var x = alternating[0]
    Kernels.embedding(ids: batch.ids, weight: embedding, out: x)
    var trained: [TrunkStep] = []
    for (index, layer) in layers.enumerated() {
      let isTrained = index >= firstTrained
      let y = isTrained ? workspace.tensor(shape) : alternating[(index + 1) % 2]
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

  /// Final norm, head and cross-entropy; returns the gradient of the last layer's output [T, D].
  private func lossGradient(
    of output: Tensor, batch: TokenBatch, gradientScale: Double, loss: Tensor
  ) -> Tensor {
    let gradient = workspace.zeros(output.shape)
    workspace.scope {
      let hidden = normalized(output)
      let dHidden = workspace.tensor(output.shape, activations)
      Kernels.linearCrossEntropy(
        hidden: hidden.out, weight: head, labels: batch.targets, gradientScale: gradientScale,
        loss: loss, dHidden: dHidden, workspace: workspace)
      finalNorm.backward(dOut: dHidden, x: output, inverseRMS: hidden.inverseRMS, into: gradient)
    }
    return gradient
  }

  // MARK: Generation

  /// Logits [1, V] of the token that follows `ids`, which join the cache.
  ///
  /// The result lives in the workspace: read it before the next call.
  package func nextLogits(_ ids: [Int32], cache: KeyValueCache) -> Tensor {
    precondition(!ids.isEmpty && cache.count + ids.count <= cache.capacity, "cache overflow")
    layers.first?.attention.rotary.prepare(positions: cache.count + ids.count)
    let logits = workspace.tensor([1, configuration.vocabularySize])
    workspace.scope {
      let positions = (cache.count..<cache.count + ids.count).map(Int32.init)
      let pass = Pass(
        workspace: workspace, activations: activations,
        segments: Tensor.from([0, Int32(ids.count)], .int32),
        positions: Tensor.from(positions, .int32), dropout: nil)
      var x = workspace.tensor([ids.count, configuration.hiddenSize])
      var y = workspace.tensor(x.shape)
      Kernels.embedding(ids: Tensor.from(ids, .int32), weight: embedding, out: x)
      for (index, layer) in layers.enumerated() {
        layer.decode(x, out: y, cache: cache, layer: index, pass: pass)
        swap(&x, &y)
      }
      let last = normalized(x.rows(ids.count - 1..<ids.count))
      Kernels.linearForward(x: last.out, weight: head, out: logits, workspace: workspace)
    }
    cache.advance(by: ids.count)
    return logits
  }
}

extension DecoderLayer {
  /// Its linear layers in the order of the forward pass, for enumeration and attaching adapters.
  static var linears: [WritableKeyPath<DecoderLayer, Linear>] {
    [
      \.attention.query, \.attention.key, \.attention.value, \.attention.output,
      \.feedForward.gate, \.feedForward.up, \.feedForward.down,
    ]
  }

  /// Whether any of its linear layers has an adapter.
  var isTrained: Bool { Self.linears.contains { self[keyPath: $0].adapter != nil } }
}
