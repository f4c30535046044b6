package import Formats
package import Tensors

/// A kind of adapter with its settings: how to make one for a layer, read it and describe it on disk.
///
/// A new method is a folder beside `LoRA/` and a line in `AdapterMethods.all`.
package protocol AdapterMethod: Sendable {
  /// `peft_type` in adapter_config.json.
  static var peftType: String { get }

  /// Reads the settings from adapter_config.json.
  ///
  /// - Parameters:
  ///   - path: Names the file in problems.
  ///   - dropout: Instead of what the file says: it is a setting of training, not of the adapter.
  /// - Throws: A `Problem` that names everything that would change the mathematics.
  init(peft: JSON, path: String, dropout: Double) throws(Problem)

  /// Keys of adapter_config.json that mean something here. Others are named to the user.
  static var peftKeys: Set<String> { get }

  /// The model that the adapter belongs to, as PEFT names it.
  var baseModel: String { get }

  /// A fresh adapter that changes nothing yet.
  ///
  /// - Parameter memory: Where the trained tensors go.
  func make(_ site: Site, seed: UInt64, in memory: TensorPool) -> any LinearAdapter

  /// Trained numbers of a layer's adapter.
  func parameterCount(_ site: Site) -> Int

  /// Bytes that a layer's adapter keeps of a forward pass for backward.
  func savedBytes(_ site: Site, tokens: Int, activations: DataType) -> Int

  /// The adapter of a layer as it was written; nil where the file has none.
  func read(_ site: Site, from tensors: inout AdapterTensors) -> (any LinearAdapter)?

  /// adapter_config.json for these modules, in PEFT's terms.
  func peftConfiguration(of modules: [AdapterSet.Module]) -> JSON

  /// The settings that must agree before training goes on with an adapter: PEFT-like name and both
  /// values, for each one that does not.
  func disagreements(with other: any AdapterMethod) -> [(key: String, own: String, other: String)]
}

package enum AdapterMethods {
  package static let all: [any AdapterMethod.Type] = [LoRAConfiguration.self]
}
