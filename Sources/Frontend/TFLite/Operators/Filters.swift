internal import Basic
internal import IR
internal import Ops

extension TFLiteCatalog {
  /// Filters over what the last runs saw.
  static let filters: [TFLiteMapping] = [
    TFLiteMapping(27, "SVDF") { (node) throws(Failure) in try node.filterOverTime() }
  ]
}

extension TFLiteNode {
  /// Filters over features and time of low rank.
  ///
  ///     memory[f] = memory[f] without its oldest ++ (x·features[f]),   y[u] = act(bias[u] + sum over the ranks f of u, m: memory[f, m]·time[f, m])
  ///
  /// Operands: x [batch, inputs], features [filters, inputs], time [filters, memory], bias [units], memory [batch, filters·memory].
  fileprivate func filterOverTime() throws(Failure) -> ValueID {
    let rank = try option(0)
    let (x, features, time) = (try real(0), try real(1), try real(2))
    let (batch, filters, memory) = (try shape(x)[0], try shape(time)[0], try shape(time).last ?? 1)
    guard rank > 0, filters % rank == 0 else { throw failure("\(filters) filters are no multiple of the rank \(rank)") }
    let product = try add(Gemm(transposesB: true), [x, features], "features")
    let newest = try add(Reshape(), [product, constant([batch, filters, 1])], "newest")
    let held = try add(Reshape(), [try realState(4), constant([batch, filters, memory])], "memory")
    let kept = try add(Slice(), [held, constant([1]), constant([memory]), constant([2])], "kept")
    let next = try add(Concatenate(axis: 2), [kept, newest], "next")
    let stored = try store(try add(Reshape(), [next, constant([batch, filters * memory])], "flat"), as: tensor(4), "memory-quantize")
    try change(4, to: stored)
    let seen = try quantization(of: tensor(4)).map { parameters throws(Failure) in
      try add(Reshape(), [try dequantized(stored, parameters, name: "\(name)/seen"), constant([batch, filters, memory])], "seen")
    }
    let weighted = try add(BinaryElementwise(.mul), [seen ?? next, time], "weighted")
    let ranks = try add(Reshape(), [weighted, constant([batch, filters / rank, rank * memory])], "ranks")
    var y = try add(Reduce(.sum, keepsAxes: false, reducesNothingByDefault: true), [ranks, constant([2])], "sum")
    if let bias = try bias(3, input: 4, weights: 2) { y = try add(BinaryElementwise(.add), [y, bias], "bias") }
    return try store(try activated(y, try code(1)))
  }

  /// What state stands for as real numbers, before this run changes it.
  func realState(_ index: Int) throws(Failure) -> ValueID {
    let stored = try changing(index)
    guard let parameters = try quantization(of: tensor(index)) else { return stored }
    return try dequantized(stored, parameters, name: "\(name)/state-\(index)")
  }
}
