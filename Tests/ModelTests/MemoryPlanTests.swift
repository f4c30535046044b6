import Formats
import Foundation
import Tensors
import TestSupport
import Testing
import Training

@testable import Model

/// The plan against what the layers really take.
@Suite struct MemoryPlanTests {
  static let models = ["tiny-llama"] + GoldenModel.families.map { "families/\($0)" }

  @Test(arguments: models, [ComputeType.float32, .bfloat16])
  func savedBytesAreWhatTheLayersTake(name: String, compute: ComputeType) throws {
    let golden = try GoldenModel(name)
    let model = try CausalLM.load(golden.files, storage: WeightStorage(compute))
    let tokens = 64  // sizes are then multiples of a cache line, which the workspace rounds to
    let workspace = Workspace(capacity: 1 << 30)
    let pass = Pass(
      workspace: workspace, activations: compute.dataType, segments: Segments(lengths: [tokens]),
      positions: Tensor.zeros([tokens], .int32), adapters: try golden.adapters())
    let method = try golden.adapters().method
    for (index, layer) in model.layers.enumerated() {
      let before = workspace.usedBytes
      _ = layer.makeSaved(
        tokens: tokens, width: golden.files.specification.hiddenSize, pass: pass)
      // Experts make again what their adapters would keep, and PEFT's adapter is not on them.
      let adapters = golden.files.specification.linears.filter {
        $0.layer == index && $0.expert == nil && (try? golden.adapters())?[$0] != nil
      }.reduce(0) {
        $0 + method.savedBytes($1, tokens: tokens, activations: compute.dataType)
      }
      let planned = golden.files.specification.blocks[index]
        .savedBytes(
          tokens: tokens, outputs: tokens, width: golden.files.specification.hiddenSize,
          activations: compute.dataType)
      #expect(workspace.usedBytes - before == planned + adapters)
    }
    var selecting = Pass(
      workspace: workspace, activations: compute.dataType, segments: pass.segments,
      positions: pass.positions)
    selecting.selection = SelectedTokens(
      places: (16..<48).map { $0 }, positions: [Int32](repeating: 0, count: tokens))
    let before = workspace.usedBytes
    _ = model.layers[0].makeSaved(
      tokens: tokens, width: golden.files.specification.hiddenSize, pass: selecting)
    let planned = golden.files.specification.blocks[0]
      .savedBytes(
        tokens: tokens, outputs: 32, width: golden.files.specification.hiddenSize,
        activations: compute.dataType)
    #expect(workspace.usedBytes - before == planned)
  }

  /// A whole step stays within the plan, and the plan is not far above it. In a process of its own:
  /// scratch grows with the number of threads, which other tests change.
  @Test(arguments: models, [2, 16])
  func aStepStaysWithinThePlan(name: String, threads: Int) async {
    let result = await #expect(
      processExitsWith: .success, observing: [\.standardErrorContent]
    ) { [name, threads] in
      let golden = try GoldenModel(name)
      let adapters = try golden.adapters()
      Kernels.setThreads(threads)
      for (compute, checkpointing) in [
        (ComputeType.float32, false), (.float32, true), (.bfloat16, false), (.bfloat16, true),
      ] {
        let workspace = Workspace(capacity: 1 << 32)
        let model = try CausalLM.load(
          golden.files, storage: WeightStorage(compute), workspace: workspace)
        let ids = (0..<Int32(200)).map { $0 }
        let rows = (0..<8).map { _ in (ids: ids, labels: ids) }
        model.accumulateGradients(
          TokenBatch(rows: rows), adapters: adapters, objective: SupervisedObjective(),
          gradientScale: 1, loss: Tensor.zeros([1], .float64), checkpointing: checkpointing,
          dropout: nil)
        func plan(outputs: Int) -> Int {
          MemoryPlan(
            golden.files.specification, storage: WeightStorage(compute), tokens: 1600,
            outputs: outputs, checkpointing: checkpointing, method: adapters.method,
            targets: adapters.modules.map(\.site)
          ).activations
        }
        guard model.specification.rotationsAgree(upTo: 342),
          model.specification.longestSequence ?? 342 >= 342
        else { continue }
        // As many tokens where rows share what they begin with.
        let answers = (0..<7).map { RowBeginningsTests.row(ids + [$0], trained: 27) }
        let batch = TokenBatch(
          rows: [RowBeginningsTests.row(Array(ids.prefix(142)) + ids, trained: 9)] + answers,
          sharingPrefixes: true)
        precondition(batch.segments.prefixes != nil && (1580...1600).contains(batch.tokens))
        model.accumulateGradients(
          batch, adapters: adapters, objective: SupervisedObjective(), gradientScale: 1,
          loss: Tensor.zeros([1], .float64), checkpointing: checkpointing, dropout: nil)
        let share = Double(workspace.peakBytes) / Double(plan(outputs: 1600))
        Self.expect(share, "\(name), \(compute), checkpointing \(checkpointing)")
        // Where few tokens have a target the last layer takes less.
        for trained in [8, 800, 1200] {
          let few = Workspace(capacity: 1 << 32)
          let labels = (0..<200).map { $0 < 200 - trained / 8 ? Int(TokenBatch.ignoredLabel) : $0 }
          let batch = TokenBatch(
            rows: (0..<8).map { _ in (ids: ids, labels: labels.map(Int32.init)) })
          try CausalLM.load(golden.files, storage: WeightStorage(compute), workspace: few)
            .accumulateGradients(
              batch, adapters: adapters, objective: SupervisedObjective(), gradientScale: 1,
              loss: Tensor.zeros([1], .float64), checkpointing: checkpointing, dropout: nil)
          let planned = plan(
            outputs: SelectedTokens.count(trained: batch.trainedTokens, of: batch.tokens))
          let share = Double(few.peakBytes) / Double(planned)
          Self.expect(
            share, "\(name), \(compute), checkpointing \(checkpointing), \(trained) trained")
          // Little more at most: side by side, branches hold copies of the selected tokens.
          if trained <= 800 { #expect(few.peakBytes <= workspace.peakBytes * 11 / 10) }
        }
      }
    }
    // What a failed process said.
    let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(said.isEmpty)
  }

  private static func expect(_ share: Double, _ what: String) {
    guard !(0.6...1.0).contains(share) else { return }
    FileHandle.standardError.write(Data("\(what): \(share) of the plan\n".utf8))
  }
}
