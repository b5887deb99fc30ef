internal import Basic
internal import IR
internal import Ops

extension TFLiteCatalog {
  static let products: [TFLiteMapping] = [
    TFLiteMapping(9, "FULLY_CONNECTED") { (node) throws(Failure) in try node.fullyConnected() },
    TFLiteMapping(126, "BATCH_MATMUL") { (node) throws(Failure) in
      let a = try node.flag(0) ? try node.lastAxesExchanged(0) : try node.real(0)
      let b = try node.flag(1) ? try node.lastAxesExchanged(1) : try node.real(1)
      return try node.store(try node.add(MatrixMultiply(), [a, b]))
    },
  ]
}

extension TFLiteNode {
  /// y = x·wᵀ + b over the last axis; leading axes are rows, and stay axes of the result on request.
  fileprivate func fullyConnected() throws(Failure) -> ValueID {
    guard try code(1) == 0 else { throw failure("shuffled weights are not read") }
    let weights = try real(1)
    guard try tensorType(weights).rank == 2, let depth = try tensorType(weights).shape[1].constant else {
      throw failure("weights of shape \(try tensorType(weights).shape.text) are no matrix")
    }
    var x = try real(0)
    let shape = try tensorType(x).shape
    if shape.count != 2 || shape[1] != .constant(depth) {
      // Reshaped as stored, so that what is read keeps its encoding.
      x = try add(Reshape(), [try stored(0), constant([-1, depth])], "rows")
      if let quantization = try quantization(of: tensor(0)) {
        x = try dequantized(x, quantization, name: try tensor(0).name + "/rows")
      }
    }
    let product = try add(Gemm(transposesB: true), [x, weights, try bias(2, input: 0, weights: 1)])
    let y = try store(try activated(product, try code(0)))
    guard try flag(2), shape.count != 2, let rows = TensorType(.float32, Array(shape.dropLast())).constantShape else { return y }
    return try add(Reshape(), [y, constant(rows + [-1])], "axes")
  }

  /// A real operand with its last two axes exchanged, moved as it is stored.
  fileprivate func lastAxesExchanged(_ index: Int) throws(Failure) -> ValueID {
    let rank = try tensorType(try stored(index)).rank
    guard rank >= 2 else { throw failure("input \(index) is no matrix") }
    var order = Array(0..<rank)
    order.swapAt(rank - 2, rank - 1)
    let turned = try add(Transpose(order), [try stored(index)], "transposed-\(index)")
    guard let parameters = try quantization(of: tensor(index)), !parameters.isPerChannel else {
      if try quantization(of: tensor(index)) == nil { return turned }
      return try rearranged(index, order)
    }
    return try dequantized(turned, parameters, name: try tensor(index).name + "/transposed")
  }
}
