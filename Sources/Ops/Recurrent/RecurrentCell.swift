internal import IR

/// One direction of a recurrent layer at hand: weights as doubles, and the step that its cell takes.
struct RecurrentCell {
  let kind: RecurrentLayer.Cell
  let hidden: Int
  let inputSize: Int
  /// [gates·hidden, input] and [gates·hidden, hidden], row-major.
  let w: ArraySlice<Double>
  let r: ArraySlice<Double>
  /// [2·gates·hidden]: biases of w, then of r.
  let bias: ArraySlice<Double>?
  /// [3·hidden] peepholes of the input, output and forget gates.
  let peephole: ArraySlice<Double>?
  let activations: [RecurrentActivation]
  let clip: Double?
  let resetsAfterProduct: Bool
  let couplesForget: Bool

  /// The state after one input vector; `c` is the cell state of an LSTM, untouched by the others.
  func step(x: ArraySlice<Double>, h: inout [Double], c: inout [Double]) {
    switch kind {
    case .rnn: h = (0..<hidden).map { activations[0](clipped(fromInput(x, 0, $0) + fromState(h, 0, $0))) }
    case .gru: gru(x, &h)
    case .lstm: lstm(x, &h, &c)
    }
  }

  private func gru(_ x: ArraySlice<Double>, _ h: inout [Double]) {
    let previous = h
    var (z, reset) = ([Double](), [Double]())
    for unit in 0..<hidden {
      z.append(activations[0](clipped(fromInput(x, 0, unit) + fromState(previous, 0, unit))))
      reset.append(activations[0](clipped(fromInput(x, 1, unit) + fromState(previous, 1, unit))))
    }
    let gated = zip(reset, previous).map { $0 * $1 }
    for unit in 0..<hidden {
      let recurrent = resetsAfterProduct ? reset[unit] * fromState(previous, 2, unit) : fromState(gated, 2, unit)
      let candidate = activations[1](clipped(fromInput(x, 2, unit) + recurrent))
      h[unit] = (1 - z[unit]) * candidate + z[unit] * previous[unit]
    }
  }

  private func lstm(_ x: ArraySlice<Double>, _ h: inout [Double], _ c: inout [Double]) {
    let previous = h
    for unit in 0..<hidden {
      func gate(_ index: Int) -> Double { fromInput(x, index, unit) + fromState(previous, index, unit) }
      let old = c[unit]
      let input = activations[0](clipped(gate(0) + peek(0, unit) * old))
      let forget = couplesForget ? 1 - input : activations[0](clipped(gate(2) + peek(2, unit) * old))
      c[unit] = forget * old + input * activations[1](clipped(gate(3)))
      let output = activations[0](clipped(gate(1) + peek(1, unit) * c[unit]))
      h[unit] = output * activations[2](c[unit])
    }
  }

  private func clipped(_ x: Double) -> Double {
    guard let clip else { return x }
    return min(max(x, -clip), clip)
  }

  private func peek(_ gate: Int, _ unit: Int) -> Double {
    guard let peephole else { return 0 }
    return peephole[peephole.startIndex + gate * hidden + unit]
  }

  private func fromInput(_ x: ArraySlice<Double>, _ gate: Int, _ unit: Int) -> Double {
    let row = gate * hidden + unit
    var sum = bias.map { $0[$0.startIndex + row] } ?? 0
    let start = w.startIndex + row * inputSize
    for index in 0..<inputSize { sum += w[start + index] * x[x.startIndex + index] }
    return sum
  }

  private func fromState(_ h: [Double], _ gate: Int, _ unit: Int) -> Double {
    let row = gate * hidden + unit
    var sum = bias.map { $0[$0.startIndex + (kind.gates * hidden) + row] } ?? 0
    let start = r.startIndex + row * hidden
    for index in 0..<hidden { sum += r[start + index] * h[index] }
    return sum
  }
}
