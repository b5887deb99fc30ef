package import IR

/// Slices of x named by index vectors: y[b…, i…] = x[b…, indices[b…, i…, :]] behind `batchAxes` shared leading axes.
package struct GatherND: ONNXOperator {
  package static let name = "gather-nd"

  package var batchAxes: Int

  package init(batchAxes: Int = 0) { self.batchAxes = batchAxes }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let (x, indices) = (try context.tensor(0), try context.tensor(1))
    guard let depth = indices.shape.last?.constant else { return [.unranked(x.element)] }
    guard batchAxes >= 0, batchAxes < indices.rank, batchAxes + depth <= x.rank else {
      throw OperatorError("indices-fit", "index vectors of \(depth) do not fit \(x.shape.text)")
    }
    return [.tensor(TensorType(x.element, indices.shape.dropLast() + x.shape[(batchAxes + depth)...]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let y = try operands.output()
    return .movement(
      Movement(
        kind: .gather, inputs: [try operands.input(0), try operands.input(1)], outputs: [y], elementsRead: y.count))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (x, indices) = (try inputs.tensor(0), try inputs.tensor(1))
    let shape = try shapes(inputs)[0]
    let blocks = try IndexVectors(indices, into: x.shape, batchAxes: batchAxes)
    let rule = BlockSelection(outer: 1, extent: 0, positions: blocks.positions, block: blocks.block)
    return [.tensor(x.rearranged(shape, rule))]
  }

  package static var onnxNames: [ONNXName] { ["GatherND"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> GatherND {
    GatherND(batchAxes: try node.integer("batch_dims") ?? 0)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("GatherND", [("batch_dims", .integer(batchAxes))]) }
}

/// Blocks of a tensor that vectors of indices name, for gathering and scattering.
package struct IndexVectors {
  /// Elements of one block.
  package let block: Int
  /// Block numbers in order of the index vectors.
  package let positions: [Int]

  package init(_ indices: Tensor, into shape: [Int], batchAxes: Int) throws(OperatorError) {
    guard let depth = indices.shape.last, batchAxes >= 0, batchAxes < indices.rank, batchAxes + depth <= shape.count
    else {
      throw OperatorError(
        "indices-fit", "index vectors of shape \(indices.shape) do not fit a tensor of shape \(shape)")
    }
    block = shape[(batchAxes + depth)...].reduce(1, *)
    let batches = shape[..<batchAxes].reduce(1, *)
    guard indices.shape[..<batchAxes].elementsEqual(shape[..<batchAxes]) else {
      throw OperatorError(
        "indices-fit", "index vectors of shape \(indices.shape) do not fit a tensor of shape \(shape)")
    }
    let vectors = indices.shape.dropLast().reduce(1, *)
    let extents = Array(shape[batchAxes..<batchAxes + depth])
    let strides = extents.rowMajorStrides
    let blocksPerBatch = extents.reduce(1, *)
    let values = try indices.integers()
    var positions: [Int] = []
    positions.reserveCapacity(vectors)
    for vector in 0..<vectors {
      var position = vector / max(vectors / max(batches, 1), 1) * blocksPerBatch
      for axis in 0..<depth {
        let index = Int(values[vector * depth + axis])
        let resolved = index < 0 ? index + extents[axis] : index
        guard resolved >= 0, resolved < extents[axis] else {
          throw OperatorError("index-range", "index \(index) points outside an axis of \(extents[axis])")
        }
        position += resolved * strides[axis]
      }
      positions.append(position)
    }
    self.positions = positions
  }
}
