internal import Basic
internal import IR
internal import Ops

extension TFLiteCatalog {
  static let pools: [TFLiteMapping] = [
    TFLiteMapping(1, "AVERAGE_POOL_2D") { (node) throws(Failure) in try node.pool(.average) },
    TFLiteMapping(17, "MAX_POOL_2D") { (node) throws(Failure) in try node.pool(.maximum) },
    TFLiteMapping(12, "L2_POOL_2D") { (node) throws(Failure) in
      // The root of the mean of squares, not of their sum.
      let squares = try node.add(BinaryElementwise(.mul), [try node.real(0), try node.real(0)], "squares")
      let mean = try node.add(try node.window(.average), [squares])
      return try node.store(try node.activated(try node.add(UnaryElementwise(.sqrt), [mean], "root"), try node.code(5)))
    },
  ]
}

extension TFLiteNode {
  fileprivate func window(_ function: Pool.Function) throws(Failure) -> Pool {
    var pool = Pool(
      function, kernel: [try option(4), try option(3)], strides: [try option(2), try option(1)], dilations: [1, 1],
      pads: [0, 0, 0, 0], padding: try padding(try code(0)))
    pool.layout = .channelsLast
    return pool
  }

  /// Means and maxima of stored numbers are stored means and maxima when nothing is scaled or limited.
  fileprivate func pool(_ function: Pool.Function) throws(Failure) -> ValueID {
    let activation = try code(5)
    let pool = try window(function)
    guard try quantization(of: tensor(0)) == quantization(of: result()), try isImplied(activation) else {
      return try store(try activated(try add(pool, [try real(0)]), activation))
    }
    return try add(pool, [try stored(0)])
  }
}
