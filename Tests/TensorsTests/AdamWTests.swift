import Foundation
import Tensors
import TestSupport
import Testing

extension KernelTests {
  @Suite struct AdamW {
    /// The state of one optimizer.
    private struct State {
      let parameter, firstMoment, secondMoment: Tensor

      init(_ values: [Float]) {
        parameter = .floats(values)
        firstMoment = .zeros([values.count])
        secondMoment = .zeros([values.count])
      }

      func step(_ number: Int, gradient: [Float], weightDecay: Double, scale: Double) {
        Kernels.adamW(
          parameter: parameter, gradient: .floats(gradient), firstMoment: firstMoment,
          secondMoment: secondMoment, learningRate: 3e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8,
          weightDecay: weightDecay, step: number, gradientScale: scale)
      }
    }

    @Test(arguments: raggedSizes + [40000], [0.0, 0.1])
    func equalsTheFormula(count: Int, weightDecay: Double) {
      var random = SplitMix64(seed: UInt64(count))
      let start = random.floats(count)
      let state = State(start)
      var (p, m, v) = (doubles(start), doubles(start).map { $0 * 0 }, doubles(start).map { $0 * 0 })
      for step in 1...4 {
        let gradient = random.floats(count)
        state.step(step, gradient: gradient, weightDecay: weightDecay, scale: 0.5)
        for i in 0..<count {
          let g = Double(gradient[i]) * 0.5
          m[i] = 0.9 * m[i] + 0.1 * g
          v[i] = 0.999 * v[i] + 0.001 * g * g
          let (mHat, vHat) = (
            m[i] / (1 - pow(0.9, Double(step))), v[i] / (1 - pow(0.999, Double(step)))
          )
          p[i] -= 3e-3 * (weightDecay * p[i] + mHat / (vHat.squareRoot() + 1e-8))
        }
      }
      #expect(worstMismatch(state.parameter.floats, p) == nil)
      #expect(worstMismatch(state.firstMoment.floats, m) == nil)
      #expect(worstMismatch(state.secondMoment.floats, v, absolute: 1e-9) == nil)
    }

    /// Three steps of torch.optim.AdamW(lr 3e-3, weight_decay 0.1) on gradients times 0.7, PyTorch
    /// 2.15 on a CPU with fused multiply-add: the same bits.
    @Test func equalsPyTorch() {
      let start = values([
        0xbe5a_f203, 0xbfb0_6114, 0xbd5f_b700, 0x3ee7_3101, 0x3f49_2c2e, 0xbf8b_51ed, 0xbf0f_5444,
        0xbf6f_01de, 0x3d44_4d84, 0xbdac_c178, 0xbe16_950e, 0x3f42_5016,
      ])
      let gradients = [
        values([
          0x3c70_3843, 0xbdcd_a160, 0xbda1_6acf, 0xbda5_5cf9, 0xbcf2_3ae2, 0xbc6f_8115,
          0x3d15_21a3, 0x3d31_651f, 0x3d71_777a, 0xbe00_b2ab, 0x3d34_ac84, 0xbce3_eee8,
        ]),
        values([
          0xbcd3_f9b8, 0xbd41_7d39, 0x3dd8_38c5, 0x3d68_ca23, 0x3dc5_e5c3, 0x3d45_be7f,
          0x3e48_6dea, 0xbd15_e4e0, 0xbcb9_a065, 0x3ce5_c985, 0x3d3c_3197, 0x3d6f_fe12,
        ]),
        values([
          0x3d0d_f86f, 0xbe09_bf02, 0x3cca_6ddb, 0xbd9d_f625, 0xbcf2_827b, 0x3a9c_fe2b,
          0xbd6f_b420, 0xbda8_24df, 0xbda1_124c, 0xbda0_2ae0, 0xbdc6_9ef7, 0xbc91_d9df,
        ]),
      ]
      let state = State(start)
      for (index, gradient) in gradients.enumerated() {
        state.step(index + 1, gradient: gradient, weightDecay: 0.1, scale: 0.7)
      }
      let parameter = values([
        0xbe5d_d7e0, 0xbfaf_1e68, 0xbd58_e96a, 0x3ee9_6af8, 0x3f49_351f, 0xbf8b_2b5c, 0xbf10_f8b4,
        0xbf6f_30c9, 0x3d37_6fe0, 0xbd9f_67a0, 0xbe1c_4102, 0x3f42_8503,
      ])
      let firstMoment = values([
        0x3ad5_4e63, 0xbc94_2789, 0x3b80_31a9, 0xbbd1_9bc0, 0x3b19_47cb, 0x3b16_8054, 0x3c28_bd20,
        0xbbb7_66cb, 0xbb6b_4c1b, 0xbc31_7ed0, 0xbab6_9bd4, 0x3a63_6194,
      ])
      let secondMoment = values([
        0x3589_1c48, 0x3779_cb08, 0x3713_8749, 0x3700_ebf2, 0x36b6_1f5e, 0x35a7_3fdd, 0x37b0_d4e2,
        0x36a3_9a49, 0x36a7_28f4, 0x373a_56a6, 0x36dd_3ec5, 0x3614_9b1d,
      ])
      #expect(firstDifference(state.firstMoment.floats, firstMoment) == nil)
      #expect(firstDifference(state.secondMoment.floats, secondMoment) == nil)
      #expect(firstDifference(state.parameter.floats, parameter) == nil)
    }

    private func values(_ bits: [UInt32]) -> [Float] { bits.map(Float.init(bitPattern:)) }

    @Test func zeroGradientMovesOnlyByDecay() {
      let state = State([1, -2])
      state.step(1, gradient: [0, 0], weightDecay: 0.1, scale: 1)
      #expect(state.parameter.floats == [Float(1 - 3e-4), -2 * Float(1 - 3e-4)])
      #expect(state.firstMoment.floats == [0, 0])
    }

    @Test func bitsDoNotDependOnThreads() {
      var random = SplitMix64(seed: 5)
      let (start, gradient) = (random.floats(200_000), random.floats(200_000))
      let difference = differenceBetweenThreadCounts {
        let state = State(start)
        state.step(1, gradient: gradient, weightDecay: 0.1, scale: 1)
        return state.parameter.floats
      }
      #expect(difference == nil)
    }
  }
}
