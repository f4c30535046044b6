/// One stored tensor of a model: the place of a weight, known before any file is opened.
///
/// `ModelSpecification.sites` is the only enumeration of a model's weights. Loading, checking, merging,
/// quantizing, the memory plan and the choice of adapters' targets all walk it.
package struct Site: Hashable, Sendable {
  package enum Role: Sendable, Hashable {
    /// The token table [V, D].
    case embedding
    /// Learned positions [P, D].
    case positions
    /// Weight [outputs, inputs] of a linear layer inside the decoder: what adapters go on and what is
    /// quantized.
    case linear
    /// Weight [outputs, inputs] of a layer that chooses among experts: small, frozen and never quantized.
    case router
    /// Added to the outputs of a linear layer or a normalization, [outputs].
    case bias
    /// The weight of a normalization, [width].
    case norm
    /// The output head [V, D], where it is not the token table.
    case head
  }

  /// Place among the sites of its role, in the order of the forward pass. It names the random numbers
  /// that belong to the site (initialization, dropout), so it must depend on the model alone: not on
  /// which layers are adapted, nor on what else a family has between them.
  package let id: Int
  package let role: Role
  /// The Hugging Face module path, such as `model.layers.0.self_attn.q_proj`.
  package let module: String
  /// As the layers have it.
  package let shape: [Int]
  /// The decoder layer it belongs to; nil for embedding, final norm and head.
  package let layer: Int?
  /// Among the experts of its layer, where it belongs to one.
  package let expert: Int?
  /// Whether files hold a linear layer's weight as [inputs, outputs] (GPT-2's Conv1D).
  package let isStoredTransposed: Bool

  /// The tensor's name in a Hugging Face checkpoint, such as `model.layers.0.self_attn.q_proj.weight`.
  package var name: String { module + (role == .bias ? ".bias" : ".weight") }

  /// As files have it.
  package var storedShape: [Int] { isStoredTransposed ? shape.reversed() : shape }

  package var count: Int { shape.reduce(1, *) }

  /// Rows N of a weight [N, K].
  package var outputs: Int { shape[0] }

  /// Columns K of a weight [N, K].
  package var inputs: Int { shape[1] }
}

/// Collects the sites of a model as its family names them, in the order of the forward pass.
package struct SiteList {
  package private(set) var sites: [Site] = []
  /// The decoder layer that is being described.
  package var layer: Int?
  /// The expert that is being described.
  package var expert: Int?
  /// Whether linear layers are stored as [inputs, outputs].
  package var storesTransposed = false
  private var counts: [Site.Role: Int] = [:]

  package init() {}

  package mutating func add(_ role: Site.Role, _ module: String, _ shape: [Int]) -> Site {
    let id = counts[role, default: 0]
    counts[role] = id + 1
    let site = Site(
      id: id, role: role, module: module, shape: shape, layer: layer, expert: expert,
      isStoredTransposed: storesTransposed && role == .linear)
    sites.append(site)
    return site
  }

  /// A linear layer inside the decoder.
  package mutating func linear(
    _ module: String, outputs: Int, inputs: Int, bias: Bool = false
  ) -> LinearSpecification {
    LinearSpecification(
      weight: add(.linear, module, [outputs, inputs]),
      bias: bias ? add(.bias, module, [outputs]) : nil)
  }

  package mutating func norm(
    _ module: String, width: Int, epsilon: Double, kind: NormSpecification.Kind = .rootMeanSquare,
    weightOffset: Float = 0
  ) -> NormSpecification {
    NormSpecification(
      kind: kind, weight: add(.norm, module, [width]),
      bias: kind == .layer ? add(.bias, module, [width]) : nil, epsilon: Float(epsilon),
      weightOffset: weightOffset)
  }
}
