import Tensors

/// The trained part of a model: one adapter for each layer that has one. A pass names the set that acts
/// in it; without one the base acts alone.
package final class AdapterSet {
  package let method: any AdapterMethod
  /// In the order of the forward pass.
  package let modules: [Module]
  private let bySite: [Int: any LinearAdapter]

  package struct Module {
    package let site: Site
    package let adapter: any LinearAdapter

    package init(site: Site, adapter: any LinearAdapter) {
      self.site = site
      self.adapter = adapter
    }
  }

  package init(method: any AdapterMethod, modules: [Module]) {
    self.method = method
    self.modules = modules
    bySite = Dictionary(uniqueKeysWithValues: modules.map { ($0.site.id, $0.adapter) })
  }

  /// Fresh adapters that change nothing yet.
  ///
  /// - Parameter targets: The linear layers that get one.
  package convenience init(fresh method: any AdapterMethod, targets: [Site], seed: UInt64) {
    let memory = TensorPool()
    self.init(
      method: method,
      modules: targets.map {
        Module(site: $0, adapter: method.make($0, seed: seed, in: memory))
      })
  }

  /// The adapter of a linear layer.
  package subscript(site: Site) -> (any LinearAdapter)? { bySite[site.id] }

  /// All trained tensors, module by module.
  package var parameters: [Parameter] { modules.flatMap(\.adapter.parameters) }

  /// The lowest decoder layer that is trained: layers below need no backward pass.
  package var firstLayer: Int? { modules.compactMap(\.site.layer).min() }

  /// The same adapters under other settings, for training that starts from an adapter that was read.
  package func described(as method: any AdapterMethod) -> AdapterSet {
    AdapterSet(method: method, modules: modules)
  }
}
