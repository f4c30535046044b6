package import Formats
import Tensors

/// `FINETUNE_CPU`, which makes the kernels use a lower instruction set than the processor has.
package enum ProcessorLevel {
  static let variable = "FINETUNE_CPU"

  /// The kernels read the variable when the program starts and ignore a word that they do not know.
  ///
  /// - Throws: For such a word.
  package static func check(_ environment: [String: String]) throws(Problem) {
    guard let asked = environment[variable], !asked.isEmpty,
      !Kernels.cpuLevels.contains(asked)
    else { return }
    throw Problem(
      variable,
      "found \"\(asked)\", expected one of \(Kernels.cpuLevels.joined(separator: ", ")); or unset it"
    )
  }
}
