internal import Basic
internal import IR
internal import Numerics

/// GPTQ of one weight: columns are rounded one after the other, and those that follow make up for each error.
///
/// Scales are chosen beforehand, with the second moments of the inputs as weights of the squared error; where the weight was
/// pruned before, its zeros stay. With a pattern the same sweep chooses what is removed, each choice on what rounding has left.
struct ReconstructedRounding {
  /// The weight on the grid of `parameters`.
  struct Outcome {
    var parameters: QuantizationParameters
    var values: [Float]
    var sparsity: Encoding.Sparsity?
    /// Why the layer did not take the pattern.
    var obstacle: String?
  }

  let graph: Graph
  let damping: Double
  let pattern: SparsityPattern?

  /// Nil when the layer has no such form (a stack of matrices).
  func run(
    _ node: NodeID, _ weight: Tensor, inputs: [Tensor], scheme: QuantizationScheme, clipping: WeightClipping
  ) throws(Failure) -> Outcome? {
    guard let layer = LinearLayer(graph, node), case .float32(let values) = weight.elements else { return nil }
    let moments = try SecondMoments.gather(layer, inputs, of: graph[node])
    let positions = try layer.matrices(Tensor(.float64, weight.shape, .float64(values.indices.map(Double.init))))
    let importance = clipping == .mse ? importance(positions, moments, count: values.count) : nil
    let parameters = QuantizationParameters.forWeight(values, shape: weight.shape, scheme, clipping, importance: importance)
    let isPruned = graph.tensorType(layer.weight)?.encoding.sparsity != .dense
    let obstacle = pattern.flatMap { SparsityLegality.obstacle(layer, $0) }
    let pattern = obstacle == nil ? pattern : nil
    var rounded: [Matrix] = []
    var kept = 0
    for (group, matrix) in try layer.matrices(weight).enumerated() {
      let rounder = GridRounder(parameters, shape: weight.shape, positions: positions[group])
      let sweep = ColumnSweep(pattern: pattern, order: pattern == nil ? .largestMomentFirst : .natural, damping: damping)
      do throws(LinearAlgebraError) {
        let keeping = isPruned ? matrix.elements.map { $0 != 0 } : nil
        let outcome = try sweep.run(matrix, moment: moments[group].gram, rounder: rounder, keeping: keeping)
        rounded.append(outcome.weights)
        kept += outcome.isKept.count { $0 }
      } catch { throw Failure("node '\(graph[node].name)': \(error)", fix: "raise 'damping'") }
    }
    guard case .float32(let result) = layer.tensor(rounded, like: weight).elements else { return nil }
    return Outcome(
      parameters: parameters, values: parameters.restored(result, shape: weight.shape),
      sparsity: pattern?.encoding(kept: kept, count: values.count), obstacle: obstacle)
  }

  /// E[x²] of the input each weight multiplies.
  private func importance(_ positions: [Matrix], _ moments: [GramAccumulator], count: Int) -> [Float] {
    var result = [Float](repeating: 0, count: count)
    for (matrix, moment) in zip(positions, moments) {
      let diagonal = moment.gram.diagonal
      for (index, position) in matrix.elements.enumerated() { result[Int(position)] = Float(diagonal[index % matrix.columns]) }
    }
    return result
  }
}

/// Rounds single weights to the grid of fixed scales.
private struct GridRounder: ColumnRounder {
  private let parameters: QuantizationParameters
  private let layout: ScaleLayout
  private let positions: Matrix

  init(_ parameters: QuantizationParameters, shape: [Int], positions: Matrix) {
    self.parameters = parameters
    layout = parameters.layout(shape)
    self.positions = positions
  }

  func round(_ value: Double, output: Int, column: Int) -> Double {
    Double(parameters.restored(Float(value), scaleIndex: layout.scale(of: Int(positions[output, column]))))
  }
}
