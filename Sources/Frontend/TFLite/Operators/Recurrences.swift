internal import Basic
internal import IR
internal import Ops

extension TFLiteCatalog {
  static let recurrences: [TFLiteMapping] = [
    TFLiteMapping(44, "UNIDIRECTIONAL_SEQUENCE_LSTM") { (node) throws(Failure) in
      try node.longShortTermMemory(
        isTimeMajor: try node.flag(3), activation: try node.code(0), clips: [try node.float(1), try node.float(2)])
    },
    TFLiteMapping(35, "UNIDIRECTIONAL_SEQUENCE_RNN") { (node) throws(Failure) in
      try node.recurrence(isTimeMajor: try node.flag(0), activation: try node.code(1))
    },
  ]
}

extension TFLiteNode {
  /// Gates stand in the order input, forget, cell, output; each has weights of its own.
  fileprivate func longShortTermMemory(isTimeMajor: Bool, activation: Int, clips: [Float]) throws(Failure) -> ValueID {
    guard has(1), !(16...17).contains(where: has), !(20...23).contains(where: has), clips.allSatisfy({ $0 == 0 }) else {
      throw failure("coupled gates, projections, layer normalisation and limits of the state are not read")
    }
    guard try tensor(0).element == .float32, try tensor(1).element == .float32 else {
      throw failure("stored integers are not read: only layers of float32 are")
    }
    // To input, output, forget, cell.
    let order = [0, 3, 1, 2]
    let w = try gates(order.map { 1 + $0 }, "weights")
    let r = try gates(order.map { 5 + $0 }, "recurrent-weights")
    let bias = try gates(order.map { 12 + $0 }, "bias")
    let zeros = try add(BinaryElementwise(.sub), [bias, bias], "no-recurrent-bias")
    let hasPeepholes = has(11)
    let peepholes = hasPeepholes ? try gates([9, 11, 10], "peepholes") : nil
    var layer = RecurrentLayer(.lstm, hidden: try shape(try stored(5))[1])
    layer.isBatchFirst = !isTimeMajor
    layer.activations = ["Sigmoid", try cellActivation(activation), try cellActivation(activation)]
    let states = [try state(18, isTimeMajor), try state(19, isTimeMajor)]
    let bothBiases = try add(Concatenate(axis: 1), [bias, zeros], "biases")
    let results = try addAll(layer, [try stored(0), w, r, bothBiases, nil] + states + [peepholes], outputs: 3)
    try change(18, to: try add(Squeeze(), [results[1], constant([isTimeMajor ? 0 : 1])], "state"))
    try change(19, to: try add(Squeeze(), [results[2], constant([isTimeMajor ? 0 : 1])], "cell-state"))
    return try add(Squeeze(), [results[0], constant([isTimeMajor ? 1 : 2])], "sequence")
  }

  /// h = f(W·x + R·h + b)
  fileprivate func recurrence(isTimeMajor: Bool, activation: Int) throws(Failure) -> ValueID {
    guard try tensor(0).element == .float32, try tensor(1).element == .float32 else {
      throw failure("stored integers are not read: only layers of float32 are")
    }
    let bias = try gates([3], "bias")
    var layer = RecurrentLayer(.rnn, hidden: try shape(try stored(2))[1])
    layer.isBatchFirst = !isTimeMajor
    layer.activations = [try cellActivation(activation)]
    let bothBiases = try add(
      Concatenate(axis: 1), [bias, try add(BinaryElementwise(.sub), [bias, bias], "no-recurrent-bias")], "biases")
    let operands = [
      try stored(0), try gates([1], "weights"), try gates([2], "recurrent-weights"), bothBiases, nil, try state(4, isTimeMajor),
    ]
    let results = try addAll(layer, operands, outputs: 2)
    try change(4, to: try add(Squeeze(), [results[1], constant([isTimeMajor ? 0 : 1])], "state"))
    return try add(Squeeze(), [results[0], constant([isTimeMajor ? 1 : 2])], "sequence")
  }

  /// Operands one behind the other, with an axis for the one direction in front.
  private func gates(_ indices: [Int], _ part: String) throws(Failure) -> ValueID {
    var parts: [ValueID] = []
    for index in indices { parts.append(try stored(index)) }
    return try add(Unsqueeze(), [try add(Concatenate(axis: 0), parts, part), constant([0])], "\(part)-1")
  }

  /// A state [batch, hidden] with an axis for the one direction.
  private func state(_ index: Int, _ isTimeMajor: Bool) throws(Failure) -> ValueID? {
    try add(Unsqueeze(), [try changing(index), constant([isTimeMajor ? 0 : 1])], "state-\(index)")
  }

  private func cellActivation(_ code: Int) throws(Failure) -> String {
    switch TFLiteActivation(rawValue: code) {
    case .tanh: return "Tanh"
    case .relu: return "Relu"
    default: throw failure("the activation \(code) of a cell is not read")
    }
  }
}
