import Formats
import Tensors

/// A LoRA adapter as mlx-lm writes it: `adapters.safetensors`, and `adapter_config.json` with the arguments
/// of its command line. Read only.
enum MLXDirectory {
  /// Whether the directory holds such an adapter rather than one of PEFT.
  static func isAt(_ directory: String) -> Bool {
    let hasOther = fileExists("\(directory)/\(PEFTDirectory.tensorsName)")
    if fileExists("\(directory)/\(MLXNaming.tensorsName)") { return !hasOther }
    // What mlx wrote before it had safetensors; `load` says what is missing.
    return fileExists("\(directory)/adapters.npz") && !hasOther
  }

  /// - Parameters:
  ///   - linears: The base model's linear layers.
  ///   - dropout: Of the training that follows; 0 where nothing is trained.
  static func load(
    _ directory: String, linears: [Site], dropout: Double
  ) throws(Problem) -> PEFTDirectory.Loaded {
    let path = "\(directory)/\(MLXNaming.tensorsName)"
    guard fileExists(path) else {
      throw Problem(
        path,
        "there is no such file; save the adapter with a newer mlx-lm, which writes safetensors")
    }
    let settings = try Settings("\(directory)/\(MLXNaming.configName)")
    let file = try SafetensorsFile(path)
    if let magnitude = file.names.first(where: { $0.hasSuffix(".m") }) {
      throw Problem(
        path,
        "\"\(magnitude)\" belongs to DoRA, which is not read from mlx-lm; convert the adapter to"
          + " PEFT's layout")
    }
    let found = sites(linears, in: file)
    let method = LoRAConfiguration(
      rank: settings.rank, alpha: settings.scale * Double(settings.rank), dropout: dropout,
      targetModules: AdapterTargets.endings(of: found.map(\.site)), baseModel: settings.model)
    var tensors = AdapterTensors(file)
    let modules = found.compactMap { site, name in
      // Both are always there for `take` to judge; a missing one is a problem that `finish` reports.
      tensors.take([
        (MLXNaming.a(name), [site.inputs, settings.rank]),
        (MLXNaming.b(name), [settings.rank, site.outputs]),
      ]).map { factors in
        let (a, b) = (MLXNaming.transposed(factors[0]), MLXNaming.transposed(factors[1]))
        return AdapterSet.Module(site: site, adapter: method.lora(site, a: a, b: b, in: nil))
      }
    }
    try tensors.finish()
    return PEFTDirectory.Loaded(
      adapters: AdapterSet(method: method, modules: modules), warnings: settings.warnings)
  }

  /// The layers that the file has factors for, and what it calls them.
  private static func sites(
    _ linears: [Site], in file: SafetensorsFile
  ) -> [(site: Site, name: String)] {
    linears.compactMap { site in
      MLXNaming.names(of: site.module).first {
        file.tensors[MLXNaming.a($0)] != nil || file.tensors[MLXNaming.b($0)] != nil
      }.map { (site, $0) }
    }
  }

  /// What `adapter_config.json` says that matters here.
  private struct Settings {
    let rank: Int
    /// The factor of the product, whatever the rank.
    let scale: Double
    let model: String
    private(set) var warnings: [String] = []

    init(_ path: String) throws(Problem) {
      let json = try readJSON(path)
      let kind = json["fine_tune_type"]?.string ?? "lora"
      guard kind == "lora" else {
        throw Problem(
          path,
          kind == "dora"
            ? "fine_tune_type is \"dora\", which is not read from mlx-lm; convert the adapter to PEFT's"
              + " layout"
            : "fine_tune_type is \"\(kind)\", supported is \"lora\"; name an adapter of that kind")
      }
      guard let parameters = json["lora_parameters"], parameters.object != nil else {
        throw Problem(path, "\"lora_parameters\" is missing; this is not an adapter of mlx-lm")
      }
      guard let rank = parameters["rank"]?.integer, (1...1 << 20).contains(rank) else {
        throw Problem(
          path, "the rank is \(parameters["rank"]?.text() ?? "missing"), expected a whole number")
      }
      guard let scale = parameters["scale"]?.number, Float(scale).isFinite else {
        throw Problem(
          path, "the scale is \(parameters["scale"]?.text() ?? "missing"), expected a number")
      }
      self.rank = rank
      self.scale = scale
      model = json["model"]?.string ?? ""
      if let alpha = parameters["alpha"]?.number {
        warnings.append(
          "\(path): \"alpha\" \(alpha) is ignored as mlx-lm does today; the scale is \(scale)")
      }
    }
  }
}
