import Formats
import Model
import Tensors
import TestSupport
import Testing

@testable import Export

@Suite struct AdapterExportTests {
  let directory: TemporaryDirectory
  let files: PretrainedFiles

  init() throws {
    directory = try TemporaryDirectory()
    files = try PretrainedFiles.open(goldenPath("tiny-llama"))
  }

  /// Adapters whose factors tell where they come from; `scales` names those that differ.
  private func adapters(
    ranks: [Int] = [2, 2], scales: [Float] = [0.5, 0.5]
  ) -> (AdapterSet, [Site]) {
    let sites = ["self_attn.q_proj", "mlp.down_proj"].compactMap { ending in
      files.specification.linears.first { $0.module.hasSuffix(ending) }
    }
    let modules = sites.indices.map { index in
      let (site, rank) = (sites[index], ranks[index])
      func values(_ count: Int) -> [Float] { (0..<count).map { Float($0 % 97) / 64 } }
      let lora = LoRA(
        a: Parameter(
          name: "A", value: .from(values(rank * site.inputs), shape: [rank, site.inputs], .float32)),
        b: Parameter(
          name: "B",
          value: .from(values(site.outputs * rank), shape: [site.outputs, rank], .float32)),
        alpha: Double(scales[index]) * Double(rank), scale: scales[index], dropout: 0,
        site: site.id)
      return AdapterSet.Module(site: site, adapter: lora)
    }
    let method = LoRAConfiguration(rank: 2, alpha: 1, targetModules: [], baseModel: "b")
    return (AdapterSet(method: method, modules: modules), sites)
  }

  private func written(_ adapters: AdapterSet, _ type: GGUFModelType = .f32) throws -> GGUFFile {
    let path = directory.path("lora.gguf")
    try GGUFAdapterWriter(adapters, on: files.configuration, type: type, path: "adapter")
      .write(to: path)
    return try GGUFFile(path)
  }

  private func values(_ file: GGUFFile, _ name: String) throws -> [Float] {
    _ = try #require(file.tensors[name])
    return file.withBytes(of: name) { Array($0.bindMemory(to: Float.self)) }
  }

  private func factors(_ adapters: AdapterSet, _ site: Site) throws -> (a: [Float], b: [Float]) {
    let lora = try #require(adapters[site] as? LoRA)
    return (lora.a.value.toArray(Float.self), lora.b.value.toArray(Float.self))
  }

  @Test func writesPairsWithTheScaleInAlpha() throws {
    let (adapters, sites) = adapters()
    let file = try written(adapters)
    #expect(file.metadata["general.type"] == .string("adapter"))
    #expect(file.metadata["general.architecture"] == .string("llama"))
    #expect(file.metadata["adapter.type"] == .string("lora"))
    #expect(file.metadata["adapter.lora.alpha"] == .number(1), "scale 0.5 times rank 2")
    let layer = try #require(sites[1].layer)
    let down = "blk.\(layer).ffn_down.weight"
    #expect(file.tensors[down + ".lora_a"]?.shape == [2, sites[1].inputs])
    #expect(file.tensors[down + ".lora_b"]?.shape == [sites[1].outputs, 2])
    let (a, b) = try factors(adapters, sites[1])
    #expect(try values(file, down + ".lora_a") == a)
    #expect(try values(file, down + ".lora_b") == b)
  }

  /// Rows of B go where the rows of the base weight go, those of A stay.
  @Test func ordersTheRowsOfB() throws {
    let (adapters, sites) = adapters()
    let file = try written(adapters)
    let (a, b) = try factors(adapters, sites[0])
    #expect(try values(file, "blk.0.attn_q.weight.lora_a") == a)
    let stored = try values(file, "blk.0.attn_q.weight.lora_b")
    let half = try #require(files.specification.blocks.first).attention.shape.headDimension / 2
    #expect(Array(stored[2..<4]) == Array(b[2 * half..<2 * half + 2]))
    #expect(stored.sorted() == b.sorted())
  }

  /// llama.cpp has one alpha and divides by each pair's rank.
  @Test func foldsWhatDiffersIntoB() throws {
    let (adapters, sites) = adapters(ranks: [2, 4], scales: [0.5, 2])
    let file = try written(adapters)
    let alpha = try #require(file.metadata["adapter.lora.alpha"]?.number)
    for (site, name) in zip(sites, ["attn_q", "ffn_down"]) {
      let lora = try #require(adapters[site] as? LoRA)
      let stored = try values(file, "blk.0.\(name).weight.lora_b")
      let b = lora.b.value.toArray(Float.self)
      // Sums do not depend on the order of rows.
      let product = stored.reduce(0, +) * Float(alpha) / Float(lora.rank)
      #expect(abs(product - b.reduce(0, +) * lora.scale) < 1e-3 * product)
    }
  }

  @Test func keepsShortRowsInFloat16() throws {
    let (adapters, _) = adapters()
    let file = try written(adapters, .q8_0)
    #expect(file.tensors["blk.0.ffn_down.weight.lora_b"]?.type == .f16)
    let problem = #expect(throws: Problem.self) { try written(adapters, .q4_0) }
    #expect(problem?.description.contains("Q4_0 is no type of an adapter") == true)
  }

  @Test func writesWhatMLXLoads() throws {
    let (adapters, sites) = adapters(ranks: [2, 3], scales: [0.5, 2])
    let path = directory.path("mlx")
    try MLXAdapterWriter(adapters, on: files.configuration, model: "base", path: "adapter")
      .write(to: path)
    let json = try readJSON("\(path)/adapter_config.json")
    #expect(json["fine_tune_type"] == "lora")
    #expect(json["num_layers"]?.integer == files.specification.blocks.count)
    #expect(json["lora_parameters"]?["rank"] == 3)
    #expect(json["lora_parameters"]?["scale"] == 0.5)
    #expect(json["lora_parameters"]?["keys"] == ["mlp.down_proj", "self_attn.q_proj"])
    let file = try SafetensorsFile("\(path)/adapters.safetensors")
    for (site, rank) in zip(sites, [2, 3]) {
      let (a, b) = (
        try file.float32("\(site.module).lora_a"), try file.float32("\(site.module).lora_b")
      )
      #expect(a.shape == [site.inputs, 3] && b.shape == [3, site.outputs])
      let lora = try #require(adapters[site] as? LoRA)
      // (x a) b · scale, for every element of the change of the weight.
      let expected = Tensor.zeros([site.outputs, site.inputs])
      lora.merge(into: expected, workspace: Workspace())
      let (left, right) = (a.toArray(Float.self), b.toArray(Float.self))
      let sums = expected.toArray(Float.self)
      for (output, input) in [(0, 0), (1, 2), (site.outputs - 1, site.inputs - 1)] {
        let sum = (0..<3).reduce(Float(0)) {
          $0 + left[input * 3 + $1] * right[$1 * site.outputs + output]
        }
        let wanted = sums[output * site.inputs + input]
        #expect(abs(sum * 0.5 - wanted) < 1e-4 * max(1, abs(wanted)), "rank \(rank)")
      }
    }
  }

  @Test func asksForAnAdapter() throws {
    let settings = Exporter.Settings(
      model: goldenPath("tiny-llama"), format: .ggufLoRA, output: directory.path("x.gguf"))
    let problem = #expect(throws: Problem.self) { try Exporter(settings) }
    #expect(problem?.description.contains("name one with --adapter") == true)
  }
}
