package import Formats

/// Which linear layers of a model get an adapter.
package enum AdapterTargets {
  /// PEFT's rule for a list: the module's path itself or an ending after a dot.
  package static func matches(_ module: String, _ target: String) -> Bool {
    module == target || module.hasSuffix("." + target)
  }

  /// The last parts of the layers' names, such as `q_proj`, in the order of a layer: the list that
  /// "all-linear" stands for.
  package static func endings(of linears: [Site]) -> [String] {
    var seen: Set<String> = []
    return linears.compactMap { $0.module.split(separator: ".").last.map(String.init) }
      .filter { seen.insert($0).inserted }
  }

  /// The layers among `linears` that `targets` name; each target must name at least one.
  ///
  /// - Parameter place: Names the list in problems.
  package static func resolve(
    _ targets: [String], among linears: [Site], place: String
  ) throws(Problem) -> [Site] {
    let unmatched = targets.filter { target in
      !linears.contains { matches($0.module, target) }
    }
    guard unmatched.isEmpty else {
      let known = endings(of: linears).sorted().joined(separator: ", ")
      throw Problem(
        heading: place,
        problems: unmatched.map {
          $0 == "lm_head" || $0 == "embed_tokens"
            ? "\"\($0)\" stays frozen; only linear layers inside the decoder take adapters: \(known)"
            : "\"\($0)\" names no linear layer of this model; it has \(known)"
        })
    }
    return linears.filter { site in targets.contains { matches(site.module, $0) } }
  }
}
