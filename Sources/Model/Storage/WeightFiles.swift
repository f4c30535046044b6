import Formats
import Tensors

/// The weights of a model where they are stored, under Hugging Face's tensor names.
protocol WeightFiles: AnyObject {
  /// What is stored under a name; nil where there is nothing.
  func stored(_ name: String) -> StoredTensor?

  /// Names of tensors that no tensor of `known` needs and that may not be ignored.
  func unexpected(known: Set<String>) -> [String]

  /// The values as float32 into a tensor of the stored shape. The type was found to be readable.
  func decode(_ name: String, into tensor: Tensor) throws(Problem)

  /// The values as they lie in the mapped file where they are of that type; else nil.
  func mapped(_ name: String, _ type: DataType) -> Tensor?

  /// Gives back the memory that reading a tensor took; what `mapped` returned must be out of use.
  func forget(_ name: String)

  /// A weight that is stored in NF4, as it is; nil for one that is stored as numbers.
  func nf4(_ name: String) throws(Problem) -> NF4Weight?

  /// How linear layers are quantized, for a person; nil where they are not or differ.
  var quantization: String? { get }

  /// Bytes of a weight that stays in the four bits of its file; nil for one that does not.
  func groupedBytes(_ name: String) -> Int?

  /// A weight that stays in the four bits of its file; nil for one that does not.
  func grouped(_ name: String, in memory: TensorPool) throws(Problem) -> GroupedWeight?

  /// What identifies the weights, into a running checksum.
  func identify(_ sum: inout SHA256Stream)
}

extension WeightFiles {
  func groupedBytes(_ name: String) -> Int? { nil }
  func grouped(_ name: String, in memory: TensorPool) throws(Problem) -> GroupedWeight? { nil }
}

/// A tensor in a file.
struct StoredTensor {
  /// The file, for sentences.
  let path: String
  /// The name in the file.
  let name: String
  let shape: [Int]
  /// The nearest type of numbers; nil where the stored type cannot be read.
  let type: DataType?
  /// The stored type as the format names it.
  let typeName: String
  /// Whether what the family stores as [inputs, outputs] is so here.
  var isTransposed = true
}
