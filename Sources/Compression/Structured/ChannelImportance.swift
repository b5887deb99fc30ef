package import Basic
package import IR
internal import Numerics

/// How much a unit of a group matters; the smallest go first.
package enum ChannelImportance: String, Sendable, CaseIterable {
  /// Σ|w| of the weights that make it.
  case l1
  /// Σw² of the weights that make it.
  case l2
  /// Σx² of what its readers get over the calibration data.
  case activation
  /// Σw²·Σx² over its readers: the diagonal of the second derivative of their squared error, times the weights squared.
  case hessian

  package var needsCalibration: Bool { self == .activation || self == .hessian }

  /// One number per unit of the group.
  package func scores(_ group: ChannelGroup, in graph: Graph, _ moments: SecondMoments?) throws(Failure) -> [Double] {
    var totals = [Double](repeating: 0, count: group.units.count)
    switch self {
    case .l1, .l2:
      for layer in group.producers {
        let matrices = try layer.matrices(try layer.tensor(in: graph))
        let sums = matrices.flatMap { matrix in
          (0..<matrix.rows).map { row in matrix.row(row).reduce(0) { $0 + (self == .l1 ? $1.magnitude : $1 * $1) } }
        }
        add(sums, layer.weight, layer.outputAxis, group, &totals)
      }
    case .activation, .hessian:
      for layer in group.consumers {
        let matrices = try layer.matrices(try layer.tensor(in: graph))
        var sums = [Double](repeating: 0, count: layer.channels)
        for (matrix, moment) in zip(matrices, moments?[layer] ?? []) {
          let energy = moment.gram.diagonal
          for column in 0..<matrix.columns {
            let weight = self == .activation ? 1 : (0..<matrix.rows).reduce(0) { $0 + matrix[$1, column] * matrix[$1, column] }
            sums[column % layer.channels] += weight * energy[column]
          }
        }
        add(sums, layer.weight, layer.channelAxis, group, &totals)
      }
    }
    return totals
  }

  /// Adds numbers by position along an axis to the units the positions belong to.
  private func add(_ sums: [Double], _ value: ValueID, _ axis: Int, _ group: ChannelGroup, _ totals: inout [Double]) {
    for (index, unit) in group.units.enumerated() {
      for position in unit.positions[ValueAxis(value, axis)] ?? [] where sums.indices.contains(position) { totals[index] += sums[position] }
    }
  }
}
