package import IR

/// A layer of LSTM, GRU or plain recurrent cells over a sequence, in one or both directions.
///
/// Inputs: x [s, b, i], w [d, g·h, i], r [d, g·h, h], optional bias [d, 2·g·h], sequence lengths [b], initial state
/// [d, b, h], and for the LSTM initial cell state [d, b, h] and peepholes [d, 3·h]. Outputs: every state [s, d, b, h],
/// the last state and, for the LSTM, the last cell state [d, b, h]. Gates g: LSTM 4 (input, output, forget, cell),
/// GRU 3 (update, reset, hidden), plain 1. Batch first, x is [b, s, i], states [b, s, d, h] and [b, d, h].
package struct RecurrentLayer: ONNXOperator {
  package static let name = "recurrent"

  package enum Cell: String, Codable, Sendable, Hashable, CaseIterable {
    case lstm = "LSTM"
    case gru = "GRU"
    case rnn = "RNN"

    package var gates: Int {
      switch self {
      case .lstm: 4
      case .gru: 3
      case .rnn: 1
      }
    }

    var defaultActivations: [String] {
      switch self {
      case .lstm: ["Sigmoid", "Tanh", "Tanh"]
      case .gru: ["Sigmoid", "Tanh"]
      case .rnn: ["Tanh"]
      }
    }
  }

  package enum Direction: String, Codable, Sendable, Hashable, CaseIterable { case forward, reverse, bidirectional }

  package var cell: Cell
  package var hidden: Int
  package var direction: Direction
  /// Names of the activations of every direction in turn; empty for the usual ones.
  package var activations: [String] = []
  package var alphas: [Float] = []
  package var betas: [Float] = []
  /// Bound on what enters an activation.
  package var clip: Float?
  package var isBatchFirst = false
  /// GRU: the reset gate scales the product instead of the state.
  package var resetsAfterProduct = false
  /// LSTM: forget = 1 − input.
  package var couplesForget = false

  package init(_ cell: Cell, hidden: Int, direction: Direction = .forward) {
    self.cell = cell
    self.hidden = hidden
    self.direction = direction
  }

  package var directions: Int { direction == .bidirectional ? 2 : 1 }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0, rank: 3)
    let w = try context.tensor(1)
    let r = try context.tensor(2)
    guard x.rank == 3, w.rank == 3, r.rank == 3 else {
      throw OperatorError("ranks-match", "input, weights and recurrent weights must have three axes each")
    }
    try expect(w.shape, [.constant(directions), .constant(cell.gates * hidden), x.shape[2]], "weights")
    try expect(r.shape, [.constant(directions), .constant(cell.gates * hidden), .constant(hidden)], "recurrent weights")
    if let bias = try context.optionalTensor(3) {
      try expect(bias.shape, [.constant(directions), .constant(2 * cell.gates * hidden)], "bias")
    }
    let (length, batch) = isBatchFirst ? (x.shape[1], x.shape[0]) : (x.shape[0], x.shape[1])
    let (d, h) = (Dimension.constant(directions), Dimension.constant(hidden))
    let all = isBatchFirst ? [batch, length, d, h] : [length, d, batch, h]
    let last = isBatchFirst ? [batch, d, h] : [d, batch, h]
    let types = [all, last] + (cell == .lstm ? [last] : [])
    return types.prefix(max(1, context.outputCount)).map { .tensor(TensorType(x.element, $0)) }
  }

  private func expect(_ shape: [Dimension], _ wanted: [Dimension], _ what: String) throws(OperatorError) {
    for (a, b) in zip(shape, wanted) where a.constant != nil && b.constant != nil && a != b {
      throw OperatorError("cell-shape", "the \(what) have shape \(shape.text) instead of \(wanted.text)")
    }
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let x = try operands.shape(ofInput: 0)
    let (length, batch) = isBatchFirst ? (x[1], x[0]) : (x[0], x[1])
    return .loop(
      try RecurrentCost(cell: cell, hidden: hidden, inputSize: x[2], batch: batch, length: length, directions: directions)
        .loop(operands, w: try operands.input(1), r: try operands.input(2)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let w = try inputs.tensor(1)
    let r = try inputs.tensor(2)
    return try evaluate(
      x, w: try w.doubles(), r: try r.doubles(), bias: try inputs.optionalTensor(3), lengths: try inputs.optionalTensor(4),
      states: (try inputs.optionalTensor(5), try inputs.optionalTensor(6), try inputs.optionalTensor(7)),
      outputCount: context.outputCount)
  }

  /// The layer on weights that are already numbers, [d, g·h, i] and [d, g·h, h].
  func evaluate(
    _ x: Tensor, w: [Double], r: [Double], bias: Tensor?, lengths: Tensor?, states: (h: Tensor?, c: Tensor?, peephole: Tensor?),
    outputCount: Int
  ) throws(OperatorError) -> [Datum] {
    guard x.rank == 3 else { throw OperatorError("ranks-match", "the input must have three axes") }
    let (length, batch, size) = (x.shape[isBatchFirst ? 1 : 0], x.shape[isBatchFirst ? 0 : 1], x.shape[2])
    let rows = cell.gates * hidden
    guard w.count == directions * rows * size, r.count == directions * rows * hidden else {
      throw OperatorError("cell-shape", "the weights do not fit \(hidden) hidden units")
    }
    let names = activations.isEmpty ? Array(repeating: cell.defaultActivations, count: directions).flatMap { $0 } : activations
    let functions = try RecurrentActivation.list(names, alphas: alphas, betas: betas)
    let perDirection = cell.defaultActivations.count
    guard functions.count == directions * perDirection else {
      throw OperatorError("activation-count", "\(names.count) activations for \(directions) directions")
    }
    let values = try x.doubles()
    let biases = try bias?.doubles()
    let peepholes = try states.peephole?.doubles()
    let limits = try lengths?.integers().map { min(max(0, Int($0)), length) }
    let stateCount = directions * batch * hidden
    guard biases.map({ $0.count == 2 * directions * rows }) ?? true, peepholes.map({ $0.count == 3 * directions * hidden }) ?? true,
      limits.map({ $0.count == batch }) ?? true, states.h.map({ $0.count == stateCount }) ?? true,
      states.c.map({ $0.count == stateCount }) ?? true
    else { throw OperatorError("cell-shape", "bias, peepholes, lengths or states do not fit \(hidden) hidden units") }
    var store = RecurrentStates(directions: directions, batch: batch, length: length, hidden: hidden, isBatchFirst: isBatchFirst)
    let (initialH, initialC) = (try states.h?.doubles(), try states.c?.doubles())
    for d in 0..<directions {
      let cell = RecurrentCell(
        kind: cell, hidden: hidden, inputSize: size, w: w[(d * rows * size)..<((d + 1) * rows * size)],
        r: r[(d * rows * hidden)..<((d + 1) * rows * hidden)], bias: biases?[(d * 2 * rows)..<((d + 1) * 2 * rows)],
        peephole: peepholes?[(d * 3 * hidden)..<((d + 1) * 3 * hidden)],
        activations: Array(functions[(d * perDirection)..<((d + 1) * perDirection)]), clip: clip.map(Double.init),
        resetsAfterProduct: resetsAfterProduct, couplesForget: couplesForget)
      let isReversed = direction == .reverse || d == 1
      for image in 0..<batch {
        let start = store.lastOffset(d, image)
        var h = initialH.map { Array($0[start..<(start + hidden)]) } ?? [Double](repeating: 0, count: hidden)
        var c = initialC.map { Array($0[start..<(start + hidden)]) } ?? [Double](repeating: 0, count: hidden)
        let steps = limits?[image] ?? length
        for step in 0..<steps {
          let time = isReversed ? steps - 1 - step : step
          let offset = (isBatchFirst ? image * length + time : time * batch + image) * size
          cell.step(x: values[offset..<(offset + size)], h: &h, c: &c)
          store.record(h, d, image, time)
        }
        store.finish(h, c, d, image)
      }
    }
    let all = Tensor(x.element, store.allShape, rounding: store.all)
    let last = [store.h, store.c].prefix(self.cell == .lstm ? 2 : 1).map { Tensor(x.element, store.lastShape, rounding: $0) }
    return ([all] + last).prefix(max(1, outputCount)).map { .tensor($0) }
  }

  package static var onnxNames: [ONNXName] { Cell.allCases.map { ONNXName($0.rawValue) } }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> RecurrentLayer {
    guard let cell = Cell(rawValue: node.name.type) else { throw OperatorError("unknown-function", "no cell \(node.name.type)") }
    return try RecurrentLayer(cell, importing: &node)
  }

  /// The attributes that every layer of recurrent cells has.
  init(_ cell: Cell, importing node: inout ONNXNode) throws(OperatorError) {
    for attribute in ["output_sequence"] { node.ignore(attribute) }
    let weights = node.inputTypes.count > 2 ? node.inputTypes[2]?.tensor?.shape : nil
    guard let hidden = try node.integer("hidden_size") ?? weights?.last?.constant, hidden > 0, hidden < 1 << 30 else {
      throw OperatorError("missing-attribute", "\(node.name.type) needs the attribute 'hidden_size'")
    }
    guard let direction = Direction(rawValue: try node.string("direction") ?? "forward") else {
      throw OperatorError("direction-known", "the direction must be forward, reverse or bidirectional")
    }
    self.init(cell, hidden: hidden, direction: direction)
    activations = try node.strings("activations") ?? []
    alphas = try node.floats("activation_alpha") ?? []
    betas = try node.floats("activation_beta") ?? []
    clip = try node.float("clip")
    isBatchFirst = try node.integer("layout") ?? 0 != 0
    resetsAfterProduct = try node.integer("linear_before_reset") ?? 0 != 0
    couplesForget = try node.integer("input_forget") ?? 0 != 0
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling(ONNXName(cell.rawValue), onnxAttributes) }

  var onnxAttributes: [(name: String, value: ONNXAttribute)] {
    var attributes: [(name: String, value: ONNXAttribute)] = [
      ("hidden_size", .integer(hidden)), ("direction", .string(direction.rawValue)),
    ]
    if isBatchFirst { attributes.append(("layout", .integer(1))) }
    if !activations.isEmpty { attributes.append(("activations", .strings(activations))) }
    if !alphas.isEmpty { attributes.append(("activation_alpha", .floats(alphas))) }
    if !betas.isEmpty { attributes.append(("activation_beta", .floats(betas))) }
    if let clip { attributes.append(("clip", .float(clip))) }
    if cell == .gru { attributes.append(("linear_before_reset", .integer(resetsAfterProduct ? 1 : 0))) }
    if cell == .lstm { attributes.append(("input_forget", .integer(couplesForget ? 1 : 0))) }
    return attributes
  }
}
