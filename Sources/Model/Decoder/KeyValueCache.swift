import Tensors

/// Keys (rotated) and values of the tokens seen so far, for generation.
package final class KeyValueCache {
  private let keys: [Tensor]  // per layer [capacity, G·E]
  private let values: [Tensor]  // per layer [capacity, G·E]
  package let capacity: Int
  /// Tokens whose keys and values are complete in every layer.
  package private(set) var count = 0

  package init(_ specification: ModelSpecification, capacity: Int) {
    func rows(_ block: BlockSpecification) -> Tensor {
      Tensor.zeros([capacity, block.attention.keys])
    }
    self.capacity = capacity
    keys = specification.blocks.map(rows)
    values = specification.blocks.map(rows)
  }

  /// The rows that the next `count` tokens of a layer go to.
  func newRows(layer: Int, count newCount: Int) -> (keys: Tensor, values: Tensor) {
    let range = count..<count + newCount
    return (keys[layer].rows(range), values[layer].rows(range))
  }

  /// Past rows and `newCount` new ones.
  func allRows(layer: Int, adding newCount: Int) -> (keys: Tensor, values: Tensor) {
    let range = 0..<count + newCount
    return (keys[layer].rows(range), values[layer].rows(range))
  }

  /// Called once all layers hold the new tokens.
  func advance(by newCount: Int) { count += newCount }
}
