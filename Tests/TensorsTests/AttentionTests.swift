import Tensors
import TestSupport
import Testing

/// Tokens cut into segments, and heads.
struct AttentionCase: CustomStringConvertible {
  let starts: [Int]
  let H: Int
  let G: Int
  let E: Int
  var scale: Float?
  var cap: Float?
  var window: Int?
  /// For each segment the one that it branches off; none where it is empty.
  var prefixes: [Int?] = []

  var T: Int { starts[starts.count - 1] }
  var description: String {
    "starts \(starts), \(H) heads, \(G) kv heads, \(E) wide"
      + (scale.map { ", scale \($0)" } ?? "") + (cap.map { ", cap \($0)" } ?? "")
      + (window.map { ", window \($0)" } ?? "")
      + (prefixes.isEmpty ? "" : ", prefixes \(prefixes.map { $0 ?? -1 })")
  }
  var reference: AttentionReference {
    AttentionReference(
      starts: starts, H: H, G: G, E: E, scale: Double(shape.scale), cap: cap.map(Double.init),
      window: window, prefixes: prefixes)
  }
  var segments: Segments {
    Segments(lengths: zip(starts, starts.dropFirst()).map { $1 - $0 }, prefixes: prefixes)
  }
  var shape: AttentionShape {
    AttentionShape(
      heads: H, kvHeads: G, headDimension: E, scale: scale, softCap: cap, window: window)
  }

  struct Inputs {
    var q, k, v, dOut: [Float]
  }

  func inputs(seed: UInt64) -> Inputs {
    var random = SplitMix64(seed: seed)
    return Inputs(
      q: random.floats(T * H * E, in: -2...2), k: random.floats(T * G * E, in: -2...2),
      v: random.floats(T * G * E), dOut: random.floats(T * H * E))
  }

  struct Results {
    var out, logSumExp, dQ, dK, dV: [Float]
  }

  func run(_ inputs: Inputs, _ workspace: Workspace, type: DataType = .float32) -> Results {
    let (q, k, v) = (
      Tensor.floats(inputs.q, [T, H * E]).converted(to: type),
      Tensor.floats(inputs.k, [T, G * E]).converted(to: type),
      Tensor.floats(inputs.v, [T, G * E]).converted(to: type)
    )
    let (out, logSumExp) = (Tensor.zeros([T, H * E], type), Tensor.zeros([T, H]))
    Kernels.attentionForward(
      q: q, k: k, v: v, segments: segments, shape: shape, out: out, logSumExp: logSumExp,
      workspace: workspace)
    // Garbage that must be overwritten.
    let dQ = Tensor.floats([Float](repeating: 7, count: T * H * E), [T, H * E])
      .converted(to: type)
    let dK = Tensor.floats([Float](repeating: 7, count: T * G * E), [T, G * E])
      .converted(to: type)
    let dV = Tensor.floats([Float](repeating: 7, count: T * G * E), [T, G * E])
      .converted(to: type)
    Kernels.attentionBackward(
      dOut: .floats(inputs.dOut, [T, H * E]).converted(to: type), q: q, k: k, v: v, out: out,
      logSumExp: logSumExp,
      segments: segments, shape: shape, dQ: dQ, dK: dK, dV: dV, workspace: workspace)
    return Results(
      out: out.widened, logSumExp: logSumExp.floats, dQ: dQ.widened, dK: dK.widened,
      dV: dV.widened)
  }
}

extension KernelTests {
  @Suite struct Attention {
    let workspace = Workspace(capacity: 1 << 32)

    static let cases = [
      AttentionCase(starts: [0, 1], H: 1, G: 1, E: 2),
      AttentionCase(starts: [0, 7], H: 3, G: 1, E: 16),
      AttentionCase(starts: [0, 64], H: 4, G: 4, E: 8),
      AttentionCase(starts: [0, 1, 1, 8, 28, 60, 61], H: 6, G: 2, E: 32),
      AttentionCase(starts: [0, 33], H: 9, G: 3, E: 64),
      AttentionCase(starts: [0, 577], H: 2, G: 2, E: 8),
      AttentionCase(starts: [0, 130, 677], H: 3, G: 1, E: 4),
      AttentionCase(starts: [0, 100], H: 20, G: 1, E: 4),
      // Queries in several pieces, in bfloat16.
      AttentionCase(starts: [0, 1700], H: 4, G: 2, E: 8),
      AttentionCase(starts: [0, 40, 1640], H: 3, G: 1, E: 10),
      // Wider than a panel of 32 columns, and not a multiple of it.
      AttentionCase(starts: [0, 90, 300], H: 4, G: 2, E: 80),
      // Scales, caps and windows of their own; windows smaller and larger than blocks and segments.
      AttentionCase(starts: [0, 50], H: 4, G: 2, E: 16, scale: 0.5),
      AttentionCase(starts: [0, 9, 70], H: 4, G: 1, E: 16, cap: 1.5),
      AttentionCase(starts: [0, 1, 30], H: 2, G: 2, E: 8, window: 2),
      AttentionCase(starts: [0, 40, 45, 200], H: 4, G: 2, E: 64, window: 7),
      AttentionCase(starts: [0, 700], H: 2, G: 1, E: 8, window: 33),
      AttentionCase(starts: [0, 1300], H: 2, G: 1, E: 4, window: 600),
      AttentionCase(starts: [0, 900], H: 4, G: 2, E: 8, scale: 0.2, cap: 2, window: 130),
      AttentionCase(starts: [0, 90, 290], H: 4, G: 2, E: 80, scale: 0.3, cap: 4, window: 64),
      AttentionCase(starts: [0, 70], H: 2, G: 1, E: 96, cap: 5),
      AttentionCase(starts: [0, 5, 140], H: 2, G: 2, E: 128, window: 40),
      AttentionCase(starts: [0, 75], H: 2, G: 1, E: 256, scale: 0.05, cap: 3, window: 20),
      // Pieces of queries beside a short window.
      AttentionCase(starts: [0, 2600], H: 1, G: 1, E: 4, window: 100),
    ]

    /// Prefixes and their branches: short, ragged, empty, longer than blocks, beside other segments.
    static let families = [
      AttentionCase(starts: [0, 2, 5], H: 1, G: 1, E: 8, prefixes: [nil, 0]),
      AttentionCase(starts: [0, 5, 8, 20], H: 4, G: 2, E: 16, prefixes: [nil, 0, 0]),
      AttentionCase(
        starts: [0, 33, 34, 34, 80, 100, 140, 141], H: 6, G: 2, E: 32,
        prefixes: [nil, 0, 0, 0, nil, nil, 5]),
      AttentionCase(starts: [0, 0, 7, 20], H: 2, G: 1, E: 8, prefixes: [nil, 0, 0]),
      AttentionCase(starts: [0, 130, 261, 300], H: 9, G: 3, E: 64, prefixes: [nil, 0, 0]),
      AttentionCase(
        starts: [0, 40, 441, 500, 577, 900], H: 3, G: 1, E: 80, prefixes: [nil, nil, 1, 1, 1]),
      // Queries in several pieces, in bfloat16: cut in the prefix, in branches, with a window.
      AttentionCase(
        starts: [0, 600, 1400, 1450, 2200], H: 2, G: 1, E: 8, prefixes: [nil, 0, 0, 0]),
      AttentionCase(
        starts: [0, 1100, 1200, 2300, 2400], H: 2, G: 2, E: 4, window: 150,
        prefixes: [nil, 0, 0, nil]),
      AttentionCase(
        starts: [0, 50, 1700], H: 2, G: 1, E: 4, cap: 2, window: 700, prefixes: [nil, 0]),
      // Windows that reach into the prefix, over it, and not even to the branch's start.
      AttentionCase(
        starts: [0, 40, 60, 160], H: 4, G: 2, E: 16, window: 7, prefixes: [nil, 0, 0]),
      AttentionCase(
        starts: [0, 700, 1200, 1290], H: 2, G: 1, E: 8, scale: 0.3, cap: 3, window: 600,
        prefixes: [nil, 0, 0]),
      AttentionCase(
        starts: [0, 90, 200, 250], H: 2, G: 2, E: 96, cap: 4, window: 130, prefixes: [nil, 0, 0]),
    ]

    @Test(arguments: cases + families) func equalsReference(test: AttentionCase) {
      let inputs = test.inputs(seed: 11)
      let result = test.run(inputs, workspace)
      let (q, k, v) = (doubles(inputs.q), doubles(inputs.k), doubles(inputs.v))
      let forward = test.reference.forward(q, k, v)
      #expect(worstMismatch(result.out, forward.out, absolute: 1e-5) == nil)
      #expect(worstMismatch(result.logSumExp, forward.logSumExp, absolute: 1e-5) == nil)
      let backward = test.reference.backward(doubles(inputs.dOut), q, k, v)
      #expect(worstMismatch(result.dQ, backward.dQ, relative: 1e-4, absolute: 1e-5) == nil)
      #expect(worstMismatch(result.dK, backward.dK, relative: 1e-4, absolute: 1e-5) == nil)
      #expect(worstMismatch(result.dV, backward.dV, relative: 1e-4, absolute: 1e-5) == nil)
    }

    @Test(arguments: [
      AttentionCase(starts: [0, 2, 7], H: 4, G: 2, E: 4),
      AttentionCase(starts: [0, 2, 9], H: 4, G: 2, E: 4, scale: 0.6, cap: 1.5, window: 3),
      AttentionCase(starts: [0, 6], H: 2, G: 1, E: 4, window: 1),
      AttentionCase(starts: [0, 3, 5, 9], H: 4, G: 2, E: 4, window: 4, prefixes: [nil, 0, 0]),
    ])
    func backwardIsTheGradient(test: AttentionCase) {
      let inputs = test.inputs(seed: 12)
      let result = test.run(inputs, workspace)
      let dOut = doubles(inputs.dOut)
      let (q, k, v) = (doubles(inputs.q), doubles(inputs.k), doubles(inputs.v))
      let reference = test.reference
      let dQ = numericalGradient(of: { dot(reference.forward($0, k, v).out, dOut) }, at: q)
      let dK = numericalGradient(of: { dot(reference.forward(q, $0, v).out, dOut) }, at: k)
      let dV = numericalGradient(of: { dot(reference.forward(q, k, $0).out, dOut) }, at: v)
      #expect(worstMismatch(result.dQ, dQ, relative: 1e-4, absolute: 1e-5) == nil)
      #expect(worstMismatch(result.dK, dK, relative: 1e-4, absolute: 1e-5) == nil)
      #expect(worstMismatch(result.dV, dV, relative: 1e-4, absolute: 1e-5) == nil)
    }

    /// Packing changes nothing but the sizes of the blocks.
    @Test func segmentsAreIsolated() {
      let (H, G, E) = (3, 1, 16)
      let packed = AttentionCase(starts: [0, 20, 120], H: H, G: G, E: E)
      let inputs = packed.inputs(seed: 13)
      let result = packed.run(inputs, workspace)

      var changed = inputs
      for index in 0..<20 * G * E { (changed.k[index], changed.v[index]) = (50, -50) }
      let other = packed.run(changed, workspace)
      #expect(result.out[(20 * H * E)...] == other.out[(20 * H * E)...])
      #expect(result.dQ[(20 * H * E)...] == other.dQ[(20 * H * E)...])
      #expect(result.dK[(20 * G * E)...] == other.dK[(20 * G * E)...])
      #expect(result.out[..<(20 * H * E)] != other.out[..<(20 * H * E)])

      let alone = AttentionCase(starts: [0, 100], H: H, G: G, E: E)
      let part = AttentionCase.Inputs(
        q: Array(inputs.q[(20 * H * E)...]), k: Array(inputs.k[(20 * G * E)...]),
        v: Array(inputs.v[(20 * G * E)...]), dOut: Array(inputs.dOut[(20 * H * E)...]))
      let single = alone.run(part, workspace)
      #expect(firstDifference(Array(result.out[(20 * H * E)...]), single.out) == nil)
      #expect(firstDifference(Array(result.dV[(20 * G * E)...]), single.dV) == nil)
    }

    /// Large scores must not overflow.
    @Test func largeScoresStayFinite() {
      let test = AttentionCase(starts: [0, 600], H: 2, G: 1, E: 4)
      var inputs = test.inputs(seed: 14)
      inputs.q = inputs.q.map { $0 * 100 }
      let result = test.run(inputs, workspace)
      let expected = test.reference.forward(doubles(inputs.q), doubles(inputs.k), doubles(inputs.v))
      #expect(worstMismatch(result.out, expected.out, relative: 1e-3, absolute: 2e-3) == nil)
      #expect((result.dQ + result.dK + result.dV).allSatisfy { $0.isFinite })
    }

    @Test(
      arguments: [(0, 1), (0, 100), (6, 1), (127, 1), (128, 1), (599, 1), (600, 3), (37, 130)],
      [(4, 2, 6), (9, 3, 64), (2, 2, 128), (3, 1, 70)])
    func decodeContinuesTheForwardPass(tokens: (past: Int, new: Int), heads: (Int, Int, Int)) {
      let (past, new) = tokens
      let (H, G, E) = heads
      for (cap, window) in [(nil, nil), (2, nil), (nil, 33), (3, 1)] as [(Float?, Int?)] {
        let test = AttentionCase(
          starts: [0, past + new], H: H, G: G, E: E, cap: cap, window: window)
        let inputs = test.inputs(seed: 15)
        let out = Tensor.zeros([new, H * E])
        // Room for tokens to come, whose garbage nobody may read.
        let room = [Float](repeating: .nan, count: 4 * G * E)
        let rows = past + new + 4
        Kernels.attentionDecode(
          q: .floats(Array(inputs.q[(past * H * E)...]), [new, H * E]),
          keys: .floats(inputs.k + room, [rows, G * E]),
          values: .floats(inputs.v + room, [rows, G * E]),
          pastCount: past, shape: test.shape, out: out, workspace: workspace)
        let expected = test.reference.forward(
          doubles(inputs.q), doubles(inputs.k), doubles(inputs.v))
        #expect(
          worstMismatch(out.floats, expected.out[(past * H * E)...], absolute: 1e-5) == nil,
          "\(test)")
      }
    }

    @Test func largeScoresStayFiniteInDecode() {
      let (past, H, G, E) = (300, 2, 1, 4)
      let test = AttentionCase(starts: [0, past + 1], H: H, G: G, E: E)
      var inputs = test.inputs(seed: 17)
      inputs.q = inputs.q.map { $0 * 1000 }
      let out = Tensor.zeros([1, H * E])
      Kernels.attentionDecode(
        q: .floats(Array(inputs.q[(past * H * E)...]), [1, H * E]),
        keys: .floats(inputs.k, [past + 1, G * E]), values: .floats(inputs.v, [past + 1, G * E]),
        pastCount: past, shape: test.shape, out: out, workspace: workspace)
      let expected = test.reference.forward(doubles(inputs.q), doubles(inputs.k), doubles(inputs.v))
      #expect(
        worstMismatch(out.floats, expected.out[(past * H * E)...], relative: 1e-3, absolute: 1e-3)
          == nil)
    }

    @Test func bitsOfDecodeDoNotDependOnThreads() {
      let (past, H, G, E) = (700, 9, 3, 64)
      let test = AttentionCase(starts: [0, past + 1], H: H, G: G, E: E)
      let inputs = test.inputs(seed: 18)
      let difference = differenceBetweenThreadCounts {
        let out = Tensor.zeros([1, H * E])
        Kernels.attentionDecode(
          q: .floats(Array(inputs.q[(past * H * E)...]), [1, H * E]),
          keys: .floats(inputs.k, [past + 1, G * E]), values: .floats(inputs.v, [past + 1, G * E]),
          pastCount: past, shape: test.shape, out: out, workspace: workspace)
        return out.floats
      }
      #expect(difference == nil)
    }

    @Test(arguments: [
      AttentionCase(starts: [0, 577], H: 9, G: 3, E: 64),
      AttentionCase(starts: Array(stride(from: 0, through: 600, by: 20)), H: 6, G: 6, E: 16),
      AttentionCase(starts: [0, 900], H: 4, G: 2, E: 8, cap: 2, window: 130),
      AttentionCase(
        starts: [0, 300, 360, 500, 520], H: 6, G: 2, E: 16, prefixes: [nil, 0, 0, nil]),
    ])
    func bitsDoNotDependOnThreads(test: AttentionCase) {
      let inputs = test.inputs(seed: 16)
      let difference = differenceBetweenThreadCounts {
        let result = test.run(inputs, workspace)
        return result.out + result.logSumExp + result.dQ + result.dK + result.dV
      }
      #expect(difference == nil)
    }
  }
}
