internal import Basic
internal import IR
internal import Ops

extension TFLiteCatalog {
  /// Operators that pick elements by numbers or by truth.
  static let selections: [TFLiteMapping] = [
    TFLiteMapping(123, "SELECT_V2") { (node) throws(Failure) in try node.select(try node.stored(0)) },
    TFLiteMapping(64, "SELECT") { (node) throws(Failure) in
      // A vector of conditions chooses whole rows.
      let condition = try node.stored(0)
      let (rank, wanted) = (try node.tensorType(condition).rank, try node.tensorType(try node.stored(1)).rank)
      guard rank == 1, wanted > 1 else { return try node.select(condition) }
      return try node.select(
        try node.add(Unsqueeze(), [condition, node.constant(Array(1..<wanted))], "rows"))
    },
    TFLiteMapping(36, "GATHER") { (node) throws(Failure) in try node.gather() },
    TFLiteMapping(7, "EMBEDDING_LOOKUP") { (node) throws(Failure) in
      // Ids come first.
      try node.moved(1..<2) { (table) throws(Failure) in try node.add(Gather(axis: 0), [table[0], try node.stored(0)]) }
    },
    TFLiteMapping(107, "GATHER_ND") { (node) throws(Failure) in
      try node.moved(0..<1) { (x) throws(Failure) in
        try node.add(GatherND(batchAxes: 0), [x[0], try node.wide(try node.stored(1))])
      }
    },
    TFLiteMapping(85, "ONE_HOT") { (node) throws(Failure) in try node.oneHot() },
    TFLiteMapping(109, "WHERE") { (node) throws(Failure) in
      // One row per true element.
      try node.add(Transpose([1, 0]), [try node.add(NonZero(), [try node.stored(0)], "places")])
    },
    TFLiteMapping(
      48, "TOPK_V2",
      results: { (node) throws(Failure) in
        let count = try node.add(Reshape(), [try node.wide(try node.stored(1)), node.constant([1])], "count")
        let found = try node.addAll(TopK(), [try node.stored(0), count], outputs: 2)
        return [found[0], try node.narrowed(found[1], 1)]
      }),
    TFLiteMapping(56, "ARG_MAX") { (node) throws(Failure) in try node.argument(.maximum) },
    TFLiteMapping(79, "ARG_MIN") { (node) throws(Failure) in try node.argument(.minimum) },
  ]
}

extension TFLiteNode {
  /// 64-bit integers, as positions are everywhere here.
  func wide(_ value: ValueID) throws(Failure) -> ValueID {
    try tensorType(value).element == .int64 ? value : try add(Cast(to: .int64), [value], "wide")
  }

  /// 64-bit integers in the type the file declares for result `index`.
  func narrowed(_ value: ValueID, _ index: Int = 0) throws(Failure) -> ValueID {
    guard let element = try result(index).element, try tensorType(value).element != element else { return value }
    return try add(Cast(to: element), [value], "narrow")
  }

  fileprivate func select(_ condition: ValueID) throws(Failure) -> ValueID {
    try moved(1..<3) { (choices) throws(Failure) in try add(Where(), [condition, choices[0], choices[1]]) }
  }

  /// With batch axes, index and table walk along together: the same as gathering whole slices with explicit positions.
  fileprivate func gather() throws(Failure) -> ValueID {
    let batchAxes = try option(1)
    let rank = try tensorType(try stored(0)).rank
    guard batchAxes != 0 else {
      return try moved(0..<1) { (x) throws(Failure) in try add(Gather(axis: try option(0)), [x[0], try stored(1)]) }
    }
    let axis = try option(0) < 0 ? try option(0) + rank : try option(0)
    let indexRank = try tensorType(try stored(1)).rank
    guard batchAxes > 0, batchAxes == axis, batchAxes < rank, batchAxes < indexRank else {
      throw failure("\(batchAxes) batch axes with axis \(axis) are not read")
    }
    let positions = try add(Unsqueeze(), [try wide(try stored(1)), constant([indexRank])], "positions")
    return try moved(0..<1) { (x) throws(Failure) in try add(GatherND(batchAxes: batchAxes), [x[0], positions]) }
  }

  fileprivate func oneHot() throws(Failure) -> ValueID {
    let (on, off) = (try stored(2), try stored(3))
    let ends = try add(
      Concatenate(axis: 0),
      [try add(Reshape(), [off, constant([1])], "off"), try add(Reshape(), [on, constant([1])], "on")], "values")
    return try add(OneHot(axis: try option(0)), [try stored(0), try stored(1), ends])
  }

  fileprivate func argument(_ function: ArgumentReduce.Function) throws(Failure) -> ValueID {
    let place = try add(ArgumentReduce(function, axis: try integer(1), keepsAxis: false), [try stored(0)])
    return try narrowed(place)
  }
}
