import Tensors

/// The trained part of a model: one `LoRA` for each target module, in the order of the forward pass.
package final class LoRAAdapter {
  package let configuration: LoRAConfiguration
  package let modules: [(name: String, lora: LoRA)]

  package init(configuration: LoRAConfiguration, modules: [(name: String, lora: LoRA)]) {
    self.configuration = configuration
    self.modules = modules
  }

  /// A fresh adapter that changes nothing yet: A uniform in ±1/sqrt(K) as PEFT's Kaiming
  /// initialization gives it, B zero.
  ///
  /// - Parameter linears: The model's linear layers that get an adapter.
  package convenience init(configuration: LoRAConfiguration, linears: [LinearShape], seed: UInt64) {
    let memory = TensorPool()
    let modules = linears.map { linear in
      let a = Tensor.zeros([configuration.rank, linear.inputs], in: memory)
      let b = Tensor.zeros([linear.outputs, configuration.rank], in: memory)
      let bound = 1 / Float(linear.inputs).squareRoot()
      Random.fillUniform(
        a, -bound..<bound, key: RandomKey(seed: seed, .adapterInitialization, a: UInt32(linear.index)))
      let scale = configuration.scale(rank: configuration.rank, alpha: configuration.alpha)
      let lora = LoRA(
        a: Parameter(name: Self.tensorName(linear.name, "lora_A"), value: a, in: memory),
        b: Parameter(name: Self.tensorName(linear.name, "lora_B"), value: b, in: memory),
        alpha: configuration.alpha, scale: Float(scale), dropout: configuration.dropout,
        index: linear.index)
      return (linear.name, lora)
    }
    self.init(configuration: configuration, modules: modules)
  }

  /// `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`
  static func tensorName(_ module: String, _ factor: String) -> String {
    "base_model.model.\(module).\(factor).weight"
  }

  /// All trained tensors, A before B, module by module.
  package var parameters: [Parameter] { modules.flatMap { [$0.lora.a, $0.lora.b] } }

  package var parameterCount: Int { parameters.reduce(0) { $0 + $1.value.count } }

  /// The same weights under another description, for training that starts from a read adapter.
  package func described(as configuration: LoRAConfiguration) -> LoRAAdapter {
    LoRAAdapter(configuration: configuration, modules: modules)
  }
}

extension CausalLM {
  /// Puts an adapter on the layers it names; an earlier adapter is taken off. nil takes off only.
  package func attach(_ adapter: LoRAAdapter?) {
    let loras = Dictionary(
      uniqueKeysWithValues: (adapter?.modules ?? []).map { ($0.name, $0.lora) })
    for index in layers.indices {
      for path in DecoderLayer.linears {
        layers[index][keyPath: path].adapter = loras[layers[index][keyPath: path].name]
      }
    }
  }
}
