package import Tensors

/// A trained tensor with its gradient. Only adapters have parameters; base weights are frozen.
package final class Parameter {
  /// PEFT's name on disk, e.g. `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`.
  package let name: String
  package let value: Tensor
  /// Sum over the micro-batches of the current optimizer step.
  package let gradient: Tensor

  /// - Parameter memory: Where the gradient goes; by default into memory of its own.
  package init(name: String, value: Tensor, in memory: TensorPool? = nil) {
    self.name = name
    self.value = value
    self.gradient = Tensor.zeros(value.shape, in: memory)
  }
}
