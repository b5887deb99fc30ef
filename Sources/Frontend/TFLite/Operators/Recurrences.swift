internal import Basic
internal import IR
internal import Ops

extension TFLiteCatalog {
  static let recurrences: [TFLiteMapping] = [
    TFLiteMapping(44, "UNIDIRECTIONAL_SEQUENCE_LSTM") { (node) throws(Failure) in
      let clips = [try node.float(1), try node.float(2)]
      return try node.longShortTermMemory(
        LSTMOperands(), .forward, isTimeMajor: try node.flag(3), activation: try node.code(0), clips: clips)
    },
    TFLiteMapping(
      52, "BIDIRECTIONAL_SEQUENCE_LSTM", results: { (node) throws(Failure) in try node.bidirectionalMemory() }),
    TFLiteMapping(35, "UNIDIRECTIONAL_SEQUENCE_RNN") { (node) throws(Failure) in
      try node.recurrence(isTimeMajor: try node.flag(0), activation: try node.code(1))
    },
  ]
}

/// Where the operands of one direction stand.
private struct LSTMOperands {
  /// Weights of the input gate; those of forget, cell and output follow, then the recurrent ones.
  var weights = 1
  var peepholes = 9
  var biases = 12
  var projections = 16...17
  var states = (hidden: 18, cell: 19)
  /// Layer normalisation, or the weights of an auxiliary input.
  var unread = 20...23
  var result = 0
}

extension TFLiteNode {
  /// Both directions of a sequence, side by side or joined along the features.
  fileprivate func bidirectionalMemory() throws(Failure) -> [ValueID] {
    let (clips, isTimeMajor, activation) = ([try float(1), try float(2)], try flag(4, default: true), try code(0))
    guard !(39...47).contains(where: has) else { throw failure("auxiliary inputs are not read") }
    let ahead = LSTMOperands(states: (35, 36), unread: 39...47)
    let back = LSTMOperands(
      weights: 18, peepholes: 26, biases: 29, projections: 33...34, states: (37, 38), unread: 39...47, result: 1)
    let isMerged = try flag(3)
    let stores = !isMerged
    let forward = try longShortTermMemory(
      ahead, .forward, isTimeMajor: isTimeMajor, activation: activation, clips: clips, stores: stores)
    let backward = try longShortTermMemory(
      back, .reverse, isTimeMajor: isTimeMajor, activation: activation, clips: clips, stores: stores)
    guard isMerged else { return [forward, backward] }
    return [try self.store(try add(Concatenate(axis: 2), [forward, backward], "merged"))]
  }

  /// Gates stand in the order input, forget, cell, output; each has weights of its own.
  ///
  /// A layer of stored integers is computed in real numbers between its stored operands, results and states: its gates, which
  /// kernels round to 16 bits on the way, are not.
  fileprivate func longShortTermMemory(
    _ operands: LSTMOperands, _ direction: RecurrentLayer.Direction, isTimeMajor: Bool, activation: Int, clips: [Float],
    stores: Bool = true
  ) throws(Failure) -> ValueID {
    let first = operands.weights
    guard has(first), !operands.projections.contains(where: has), !operands.unread.contains(where: has) else {
      throw failure("coupled gates, projections and layer normalisation are not read")
    }
    let cell = try tensor(operands.states.cell)
    guard clips[1] == 0, clips[0] == 0 || clipsNothing(clips[0], cell) else {
      throw failure("limits of the state are not read")
    }
    // To input, output, forget, cell.
    let order = [0, 3, 1, 2]
    let part = direction == .reverse ? "reverse-" : ""
    let w = try gates(order.map { first + $0 }, "\(part)weights")
    let r = try gates(order.map { first + 4 + $0 }, "\(part)recurrent-weights")
    let bias = try gates(order.map { operands.biases + $0 }, "\(part)bias", weights: order.map { first + $0 })
    let zeros = try add(BinaryElementwise(.sub), [bias, bias], "\(part)no-recurrent-bias")
    let peepholes = has(operands.peepholes + 2) ? try gates([0, 2, 1].map { operands.peepholes + $0 }, "\(part)peepholes") : nil
    var layer = RecurrentLayer(.lstm, hidden: try shape(try stored(first + 4))[1], direction: direction)
    layer.isBatchFirst = !isTimeMajor
    layer.activations = ["Sigmoid", try cellActivation(activation), try cellActivation(activation)]
    let states = [try state(operands.states.hidden, isTimeMajor), try state(operands.states.cell, isTimeMajor)]
    let bothBiases = try add(Concatenate(axis: 1), [bias, zeros], "\(part)biases")
    let results = try addAll(layer, [try real(0), w, r, bothBiases, nil] + states + [peepholes], part, outputs: 3)
    for (state, result) in [(operands.states.hidden, results[1]), (operands.states.cell, results[2])] {
      let next = try add(Squeeze(), [result, constant([isTimeMajor ? 0 : 1])], "\(part)next-\(state)")
      try change(state, to: try store(next, as: tensor(state), "\(part)quantize-\(state)"))
    }
    let sequence = try add(Squeeze(), [results[0], constant([isTimeMajor ? 1 : 2])], "\(part)sequence")
    return stores ? try store(sequence, operands.result) : sequence
  }

  /// A limit beyond what the stored state can hold limits nothing.
  private func clipsNothing(_ limit: Float, _ state: TFLiteTensor) -> Bool {
    guard let scale = state.quantization?.scales.first, let element = state.element, let range = NumberFormat.integerRange(of: element)
    else { return false }
    return limit >= scale * Float(range.upperBound)
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
  private func gates(_ indices: [Int], _ part: String, weights: [Int] = []) throws(Failure) -> ValueID {
    var parts: [ValueID] = []
    for (place, index) in indices.enumerated() {
      if weights.isEmpty {
        parts.append(try real(index))
      } else if let bias = try bias(index, input: 0, weights: weights[place]) {
        parts.append(bias)
      } else {
        throw failure("a gate without a bias is not read")
      }
    }
    return try add(Unsqueeze(), [try add(Concatenate(axis: 0), parts, part), constant([0])], "\(part)-1")
  }

  /// A state [batch, hidden] with an axis for the one direction.
  private func state(_ index: Int, _ isTimeMajor: Bool) throws(Failure) -> ValueID? {
    try add(Unsqueeze(), [try realState(index), constant([isTimeMajor ? 0 : 1])], "state-\(index)")
  }

  private func cellActivation(_ code: Int) throws(Failure) -> String {
    switch TFLiteActivation(rawValue: code) {
    case .tanh: return "Tanh"
    case .relu: return "Relu"
    default: throw failure("the activation \(code) of a cell is not read")
    }
  }
}
