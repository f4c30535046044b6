import Formats
import Model

/// What becomes of a model's tensors in a GGUF file: names, order of rows, and what is added. The one
/// place that the exporters ask.
struct GGUFTensorPlan {
  /// One tensor of the file.
  struct Entry {
    /// The model's tensors in it: one, or those of all experts of a layer, which are stacked.
    fileprivate(set) var sites: [Site]
    let name: String
    /// Row i of the file is row order[i] of the model's tensor; nil: the same order.
    let order: [Int]?
    /// Added to every value.
    let addend: Float

    /// Outermost dimension first.
    var shape: [Int] { stacked(sites[0].shape) }

    /// The shape of something that there is one of for each site.
    func stacked(_ shape: [Int]) -> [Int] { (sites[0].expert == nil ? [] : [sites.count]) + shape }
  }

  /// `general.architecture`.
  let architecture: String
  let entries: [Entry]
  /// The tensor that logits come from.
  let headName: String

  /// - Throws: A `Problem` for a model that llama.cpp has no names for.
  init(_ configuration: ModelConfiguration, path: String) throws(Problem) {
    guard let naming = configuration.family.gguf else {
      throw Problem(
        path,
        "GGUF files of \(configuration.family.architecture) are not written; merge into a Hugging Face"
          + " directory (finetune merge) instead")
    }
    architecture = naming.architecture
    var entries: [Entry] = []
    var places: [String: Int] = [:]
    var nameless: [String] = []
    let specification = configuration.specification
    for site in specification.sites {
      guard let name = naming.gguf(site.name) else {
        nameless.append(site.name)
        continue
      }
      if let place = places[name] {
        entries[place].sites.append(site)
        continue
      }
      places[name] = entries.count
      entries.append(
        Entry(
          sites: [site], name: name, order: naming.rowOrder(of: site, in: specification),
          addend: site.role == .norm ? naming.normWeightOffset : 0))
    }
    if let first = nameless.first {
      throw Problem(
        path,
        "\"\(first)\"\(nameless.count > 1 ? " and \(nameless.count - 1) more tensors" : "") has no"
          + " place in a GGUF file of architecture \"\(naming.architecture)\"; merge into a Hugging"
          + " Face directory instead")
    }
    self.entries = entries
    headName = entries.first { $0.sites[0].role == .head }?.name ?? "token_embd.weight"
  }

  subscript(site: Site) -> Entry? { entries.first { $0.sites.contains(site) } }
}
