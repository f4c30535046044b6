/// The compute seam: the coarse operations that layers are written in.
///
/// Element memory is touched only here. Kernels never allocate; scratch comes from the workspace.
/// Scalars land in 1-element tensors. Work is partitioned by problem size, never by thread count,
/// so every sum has one order and results have the same bits for any number of threads.
/// Activations are written (`out`), gradients are added (`into`), unless a kernel says otherwise.
///
/// Dimensions: T tokens · D hidden · H query heads · G key/value heads · E head dimension ·
/// F feed-forward · V vocabulary · N outputs · K inputs · R adapter rank.
package enum Kernels {}
