import ArgumentParser
import CPeaks
import Tensors

/// Every kernel as a share of what the processor can do.
struct KernelReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels", abstract: "Peaks of the processor, and the kernels beside them.")
  @OptionGroup var options: BenchOptions

  func run() throws {
    options.apply()
    say(Machine.description)
    try report(options)
  }

  func report(_ options: BenchOptions) throws {
    let peaks = Peaks()
    printTable(
      "Peaks, measured, \(Kernels.threads) threads, kernels for \(Kernels.cpuLevel)",
      [
        ["float32 multiply-add", "\(number(peaks.fma, 0)) GFLOP/s"],
        ["bfloat16 products", peaks.bf16 > 0 ? "\(number(peaks.bf16, 0)) GFLOP/s" : "none"],
        ["memory read", "\(number(peaks.read)) GB/s"],
      ])
    let peer = try options.peer?.kernels()
    products(peaks)
    attention(peer)
    others(peaks, peer)
  }

  private func products(_ peaks: Peaks) {
    let bench = KernelBench()
    let peak = peaks.bf16 > 0 ? peaks.bf16 : peaks.fma
    var rows = [
      [
        "T  K → N", "bf16", "share", "dX", "share", "NF4", "share", "dX", "share", "float32",
        "share",
      ]
    ]
    let shapes = [
      (512, 576, 576), (2048, 576, 576), (2048, 576, 192), (2048, 576, 1536), (2048, 1536, 576),
      (512, 2048, 2048), (512, 4096, 4096), (512, 4096, 11008), (512, 5120, 13824),
    ]
    for (T, K, N) in shapes {
      var row = ["\(T)  \(K) → \(N)"]
      for storage in [KernelBench.Storage.bfloat16, .nf4] {
        let rates = bench.linear(T: T, K: K, N: N, storage)
        for rate in [rates.forward, rates.backward] {
          row += [number(rate, 0), "\(number(100 * rate / peak, 0)) %"]
        }
      }
      if K * N <= 1 << 22 {
        let rate = bench.linear(T: T, K: K, N: N, .float32).forward
        row += [number(rate, 0), "\(number(100 * rate / peaks.fma, 0)) %"]
      }
      rows.append(row)
    }
    printTable("Products with a frozen weight, GFLOP/s and share of the peak", rows)
  }

  private func attention(_ peer: [String: Double]?) {
    let bench = KernelBench()
    var rows = [
      ["heads × width, length", "forward ms", "backward ms"]
        + (peer == nil ? [] : ["peer forward", "peer backward", "ratio", "ratio"])
    ]
    for (heads, kvHeads, width, length, segments) in [
      (9, 3, 64, 512, 4), (9, 3, 64, 2048, 1), (32, 32, 128, 512, 1), (32, 32, 128, 2048, 1),
    ] {
      let times = bench.attention(
        heads: heads, kvHeads: kvHeads, width: width, length: length, segments: segments)
      var row = [
        "\(segments) × \(heads)(\(kvHeads)) × \(width), \(length)", number(times.forward * 1e3, 2),
        number(times.backward * 1e3, 2),
      ]
      let key = "\(segments)_\(heads)_\(kvHeads)_\(width)_\(length)"
      if let forward = peer?["sdpa_forward_\(key)"], let backward = peer?["sdpa_backward_\(key)"] {
        row += [
          number(forward, 2), number(backward, 2), "\(number(forward / 1e3 / times.forward))×",
          "\(number(backward / 1e3 / times.backward))×",
        ]
      }
      rows.append(row)
    }
    printTable("Attention, causal, bfloat16", rows)
  }

  private func others(_ peaks: Peaks, _ peer: [String: Double]?) {
    let bench = KernelBench()
    var rows: [[String]] = []
    let head = bench.crossEntropy(T: 2048, V: 49152, D: 576)
    let peak = peaks.bf16 > 0 ? peaks.bf16 : peaks.fma
    rows.append([
      "head + cross-entropy, 2048 × 576 → 49152, with gradient", "\(number(head.seconds * 1e3)) ms",
      "\(number(100 * head.gflops / peak, 0)) % of peak",
    ])
    for (name, storage, K, N) in [
      ("matrix-vector bf16, 4096 → 11008 × 8", KernelBench.Storage.bfloat16, 4096, 11008),
      ("matrix-vector NF4, 4096 → 11008 × 8", .nf4, 4096, 11008),
    ] {
      let rate = bench.matvec(K: K, N: N, count: 8, storage)
      rows.append([name, "\(number(rate)) GB/s", "\(number(100 * rate / peaks.read, 0)) % of read"])
    }
    let quantize = bench.quantize(count: 1 << 24)
    var row = ["NF4 quantizing, double, bf16", "\(number(quantize * 1e9, 3)) ns/element"]
    if let other = peer?["nf4_quantize_ns"] {
      row.append("\(number(other / (quantize * 1e9), 0))× peer")
    }
    rows.append(row)
    for (name, seconds) in bench.elementwise(T: 2048, D: 576, F: 1536) {
      rows.append([name, "\(number(seconds * 1e6, 0)) µs"])
    }
    printTable("Other kernels", rows)
  }
}

/// The ceilings, with all threads at work, of the instruction sets that the kernels use.
struct Peaks {
  /// GFLOP/s; `bf16` is 0 where pairs are widened to float32.
  let fma, bf16: Double
  /// GB/s
  let read: Double

  init() {
    fma = cp_fma_peak(Kernels.cpuLevel, Kernels.threads)
    bf16 = cp_bf16_peak(Kernels.cpuLevel, Kernels.threads)
    // In huge pages, as the weights of a model are.
    let memory = Tensor.zeros([max(1 << 29, Kernels.threads << 26)], .uint8)
    memory.withMutableBytes { _ = $0.initializeMemory(as: UInt8.self, repeating: 1) }
    read = memory.withBytes { cp_read_peak($0.baseAddress, $0.count, Kernels.threads) }
  }
}
