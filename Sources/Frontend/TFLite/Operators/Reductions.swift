internal import Basic
internal import IR
internal import Ops

extension TFLiteCatalog {
  static let reductions: [TFLiteMapping] = [
    reduction(40, "MEAN", .mean), reduction(74, "SUM", .sum), reduction(81, "REDUCE_PROD", .product),
    reduction(82, "REDUCE_MAX", .maximum), reduction(89, "REDUCE_MIN", .minimum),
    TFLiteMapping(91, "REDUCE_ANY") { (node) throws(Failure) in try node.truth(.maximum) },
    TFLiteMapping(140, "REDUCE_ALL") { (node) throws(Failure) in try node.truth(.minimum) },
    TFLiteMapping(25, "SOFTMAX") { (node) throws(Failure) in
      var x = try node.real(0)
      let beta = try node.float(0)
      if beta != 1 { x = try node.add(BinaryElementwise(.mul), [x, node.scalar(Double(beta))], "beta") }
      return try node.store(try node.add(Softmax(.softmax, axis: -1), [x]))
    },
    TFLiteMapping(50, "LOG_SOFTMAX") { (node) throws(Failure) in
      try node.store(try node.add(Softmax(.logarithm, axis: -1), [try node.real(0)]))
    },
    TFLiteMapping(11, "L2_NORMALIZATION") { (node) throws(Failure) in try node.normalization() },
    TFLiteMapping(128, "CUMSUM") { (node) throws(Failure) in
      let axis = node.builder.made(Constant(Tensor([], integers: [Int64(try node.integer(1))])), name: "\(node.name)/axis")
      return try node.store(
        try node.add(
          CumulativeSum(isExclusive: try node.flag(0), isReversed: try node.flag(1)), [try node.real(0), axis]))
    },
  ]

  private static func reduction(_ code: Int, _ name: String, _ function: Reduce.Function) -> TFLiteMapping {
    TFLiteMapping(code, name) { (node) throws(Failure) in
      try node.store(try node.reduced(function, try node.real(0)))
    }
  }
}

extension TFLiteNode {
  fileprivate func reduced(_ function: Reduce.Function, _ x: ValueID) throws(Failure) -> ValueID {
    // No axes: nothing is reduced.
    try add(Reduce(function, keepsAxes: try flag(0), reducesNothingByDefault: true), [x, constant(try integers(1))])
  }

  /// Any and all of truth values as largest and smallest of 0 and 1.
  fileprivate func truth(_ function: Reduce.Function) throws(Failure) -> ValueID {
    let numbers = try add(Cast(to: .int32), [try stored(0)], "numbers")
    return try add(Cast(to: .bool), [try reduced(function, numbers)], "truth")
  }

  /// x / √max(Σx², ε) along the last axis.
  fileprivate func normalization() throws(Failure) -> ValueID {
    let x = try real(0)
    let squares = try add(BinaryElementwise(.mul), [x, x], "squares")
    let sum = try add(Reduce(.sum, keepsAxes: true), [squares, constant([-1])])
    let bounded = try add(Clip(), [sum, scalar(1e-6)], "bound")
    let norm = try add(UnaryElementwise(.sqrt), [bounded], "root")
    return try store(try activated(try add(BinaryElementwise(.div), [x, norm], "quotient"), try code(0)))
  }
}
