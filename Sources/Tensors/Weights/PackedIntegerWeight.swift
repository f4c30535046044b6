/// A matrix [N, K] of small whole numbers as GPTQ and AWQ store it, with a scale s and a zero point z for
/// each output and each group of inputs:
///
///     W[n, k] = s[g, n] · (q[n, k] - z[g, n]),  g = the group of input k
///
/// rounded once, to the type of the scales.
package struct PackedIntegerWeight {
  package enum Layout: Sendable {
    /// Codes [K · bits / 32, N], zero points [groups, N · bits / 32], scales [groups, N].
    case gptq
    /// Four bits. Codes [K, N / 8], zero points [groups, N / 8], scales [groups, N]; a word has eight
    /// outputs in the order 0 2 4 6 1 3 5 7.
    case awq
    /// Four bits. Codes [N, K / 8], zero points [N, words], scales [N, 8 · words] with room for more groups
    /// than there are.
    case awqRows
  }

  package let layout: Layout
  /// Bits of a code: 2, 3, 4 or 8.
  package let bits: Int
  package let outputs: Int
  package let inputs: Int
  /// int32
  package let codes: Tensor
  /// int32
  package let zeros: Tensor
  /// What is added to a stored zero point, modulo 2^bits.
  package let zeroOffset: Int
  /// float16, bfloat16 or float32
  package let scales: Tensor
  package let groups: Groups
  /// float32 [K]: what the values of an input are divided by, after rounding.
  package var divisors: Tensor?

  /// Which inputs share a scale.
  package enum Groups {
    /// So many that lie side by side.
    case contiguous(size: Int)
    /// int32 [K]: the group of each input, below `count`.
    case listed(Tensor, count: Int)
  }

  package init(
    layout: Layout, bits: Int, outputs: Int, inputs: Int, codes: Tensor, zeros: Tensor,
    zeroOffset: Int, scales: Tensor, groups: Groups, divisors: Tensor? = nil
  ) {
    self.layout = layout
    self.bits = bits
    self.outputs = outputs
    self.inputs = inputs
    self.codes = codes
    self.zeros = zeros
    self.zeroOffset = zeroOffset
    self.scales = scales
    self.groups = groups
    self.divisors = divisors
  }

  package var groupCount: Int {
    switch groups {
    case .contiguous(let size): (inputs + size - 1) / size
    case .listed(_, let count): count
    }
  }

  /// Whether codes and zero points of these sizes fill whole words of 32 bits.
  var isPossible: Bool {
    switch layout {
    case .gptq:
      [2, 3, 4, 8].contains(bits) && (inputs * bits).isMultiple(of: 32)
        && (outputs * bits).isMultiple(of: 32)
    case .awq: bits == 4 && outputs.isMultiple(of: 8)
    case .awqRows: bits == 4 && inputs.isMultiple(of: 8)
    }
  }

  /// Whether a `GroupedWeight` can hold it, but for the size of its scales.
  package var canStayGrouped: Bool {
    bits <= 4 && divisors == nil && inputs.isMultiple(of: 2) && scales.dataType.size == 2
  }

  /// Words of 32 bits in a row of zero points.
  var zeroWords: Int { layout == .awqRows ? zeros.count / outputs : outputs * bits / 32 }
}
