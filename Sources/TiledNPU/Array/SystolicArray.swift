/// A two-dimensional systolic array of multiply-accumulate cells.
///
/// With a fill and a drain on every fold, the cycles of an `R × C` array for the product `M × K × N` are exactly
/// those of a cycle-accurate register-by-register simulation (SCALE-Sim, Samajdar et al., ISPASS 2020):
///
/// - weight-stationary: `⌈K/R⌉·⌈N/C⌉·(2R + C + M − 2) − 1`
/// - input-stationary: `⌈K/R⌉·⌈M/C⌉·(2R + C + N − 2) − 1`
/// - output-stationary: `⌈M/R⌉·⌈N/C⌉·(R + C + K − 2) − 1`
package struct SystolicArray: Hashable, Sendable {
  /// Which operand stays in the cells while the others move.
  package enum Dataflow: String, Hashable, Sendable, CaseIterable {
    case weightStationary = "ws"
    case inputStationary = "is"
    case outputStationary = "os"
  }

  /// How the stationary operand of the next fold reaches the cells.
  package enum StationaryLoad: String, Hashable, Sendable, CaseIterable {
    /// Shifted in before each fold; nothing streams meanwhile.
    case perFold = "per-fold"
    /// A second register per cell is filled while the current fold streams (TPU, Jouppi et al., ISCA 2017).
    case doubleBuffered = "double-buffered"
  }

  /// What is spread over the array's rows in a convolution.
  package enum ChannelMapping: String, Hashable, Sendable, CaseIterable {
    /// Kernel positions and input channels together, as in an explicit im2col product.
    case im2col
    /// One row of the kernel with its channels, which lie side by side in memory; each kernel row is a fold of its own.
    case kernelRows = "kernel-rows"
    /// Input channels only; each kernel position is a fold of its own.
    case channels
  }

  /// How a depthwise convolution uses the array.
  package enum DepthwiseMapping: String, Hashable, Sendable, CaseIterable {
    /// Each channel is a product of its own with a single column.
    case groups
    /// Channels side by side on the columns, kernel positions in time.
    case columns
  }

  package var rows: Int
  package var columns: Int
  package var dataflow: Dataflow
  package var load: StationaryLoad
  package var mapping: ChannelMapping
  package var depthwise: DepthwiseMapping

  package init(
    rows: Int, columns: Int, dataflow: Dataflow, load: StationaryLoad = .perFold, mapping: ChannelMapping = .im2col,
    depthwise: DepthwiseMapping = .groups
  ) {
    self.rows = rows
    self.columns = columns
    self.dataflow = dataflow
    self.load = load
    self.mapping = mapping
    self.depthwise = depthwise
  }

  /// Multiply-accumulate cells.
  package var cells: Int { rows * columns }

  /// Cycles of `shape` with all operands at hand.
  ///
  /// - Parameter cyclesPerStep: cycles one wavefront takes for the operand widths (1 at the native width).
  package func cost(of shape: LayerShape, cyclesPerStep: Int = 1) -> ArrayCost {
    if shape.isDepthwise && depthwise == .columns {
      return depthwiseCost(of: shape, cyclesPerStep: cyclesPerStep)
    }
    let folds = self.folds(of: shape)
    let one = self.cost(folds: folds.count, streamed: folds.streamed * cyclesPerStep)
    guard shape.groups > 1 else { return one }
    return one.scaled(by: shape.groups)
  }

  /// Folds of one group of `shape` and the wavefronts that stream through the array in each.
  package func folds(of shape: LayerShape) -> (count: Int, streamed: Int) {
    let m = shape.gemmRows
    let n = shape.gemmColumns
    let depthFolds =
      switch mapping {
      case .im2col: ceilDivide(shape.gemmDepth, rows)
      case .kernelRows: shape.kernelHeight * ceilDivide(shape.kernelWidth * shape.channelsPerGroup, rows)
      case .channels: shape.kernelElements * ceilDivide(shape.channelsPerGroup, rows)
      }
    switch dataflow {
    case .weightStationary: return (depthFolds * ceilDivide(n, columns), m)
    case .inputStationary: return (depthFolds * ceilDivide(m, columns), n)
    case .outputStationary: return (ceilDivide(m, rows) * ceilDivide(n, columns), shape.gemmDepth)
    }
  }

  private func cost(folds: Int, streamed: Int) -> ArrayCost {
    switch (dataflow, load) {
    case (.outputStationary, _):
      return ArrayCost(streaming: folds * streamed, fillDrain: folds * (rows + columns - 2) - 1)
    case (_, .perFold):
      return ArrayCost(
        streaming: folds * streamed, fillDrain: folds * (rows + columns - 2) - 1, weightLoad: folds * rows)
    case (_, .doubleBuffered):
      // The next fold's operand takes `rows` cycles to shift in, under the current fold's stream.
      let exposed = max(0, rows - streamed) * (folds - 1)
      return ArrayCost(
        streaming: folds * streamed, fillDrain: rows + columns - 2, weightLoad: rows + exposed)
    }
  }

  private func depthwiseCost(of shape: LayerShape, cyclesPerStep: Int) -> ArrayCost {
    let folds = ceilDivide(shape.outputChannels, columns) * shape.kernelElements
    return cost(folds: folds, streamed: shape.gemmRows * cyclesPerStep)
  }
}
