package import IR
internal import Foundation

extension ExpertMixture {
  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let (x, logits) = (try inputs.tensor(0), try inputs.tensor(1))
    guard let hidden = x.shape.last, hidden > 0, logits.rank == 2, logits.shape[0] == x.shape.dropLast().reduce(1, *) else {
      throw OperatorError("ranks-match", "rows and router logits do not fit")
    }
    let experts = logits.shape[1]
    guard chosen <= experts else { throw OperatorError("index-range", "\(chosen) of \(experts) experts") }
    let first = try product(0, inputs)
    let second = try product(1, inputs)
    let gated = place(2).weights < inputs.count && inputs[place(2).weights] != nil ? try product(2, inputs) : nil
    guard first.experts == experts, first.depth == hidden, second.experts == experts, second.width == hidden,
      gated.map({ $0.experts == experts && $0.depth == hidden && $0.width == second.depth }) ?? true
    else { throw OperatorError("inner-extents", "the experts' weights do not fit rows of \(hidden) elements") }
    let given = bits > 0 ? try inputs.optionalTensor(14)?.doubles() : nil
    let (rows, scores) = (try x.doubles(), try logits.doubles())
    var y = [Double](repeating: 0, count: rows.count)
    for row in 0..<logits.shape[0] {
      let input = Array(rows[(row * hidden)..<((row + 1) * hidden)])
      for (expert, weight) in route(Array(scores[(row * experts)..<((row + 1) * experts)]), given, row) {
        let inner = try activated(first.apply(input, expert), gated?.apply(input, expert), width: second.depth)
        for (index, value) in second.apply(inner, expert).enumerated() { y[row * hidden + index] += weight * value }
      }
    }
    return [.tensor(Tensor(x.element, x.shape, rounding: y))]
  }

  /// The chosen experts with their weights; of equal ones the later wins, as in ONNX Runtime.
  private func route(_ logits: [Double], _ given: [Double]?, _ row: Int) -> [(expert: Int, weight: Double)] {
    let largest = logits.max() ?? 0
    let powers = logits.map { exp($0 - largest) }
    let total = powers.reduce(0, +)
    let order = logits.indices.sorted { (powers[$0], $0) > (powers[$1], $1) }.prefix(chosen)
    var weights = order.map { powers[$0] / total }
    if let given, given.count >= (row + 1) * logits.count { weights = order.map { given[row * logits.count + $0] } }
    let sum = normalizesWeights ? weights.reduce(0, +) : 1
    return zip(order, weights).map { ($0, $1 / sum) }
  }

  private func activated(_ values: [Double], _ gated: [Double]?, width: Int) throws(OperatorError) -> [Double] {
    guard values.count == (activation == .swiglu && fusion > 0 ? 2 * width : width) else {
      throw OperatorError("inner-extents", "the first product has \(values.count) elements where the second takes \(width)")
    }
    guard activation == .swiglu else {
      let y = values.map { activation.apply($0) }
      return gated.map { zip(y, $0).map(*) } ?? y
    }
    guard fusion > 0 || gated != nil else { throw OperatorError("missing-input", "a SwiGLU that is not fused needs a third product") }
    let limit = limit.map(Double.init) ?? .infinity
    return (0..<width).map { index in
      let g = min(fusion == 1 ? values[2 * index] : values[index], limit)
      let l = fusion == 1 ? values[2 * index + 1] : fusion == 2 ? values[width + index] : gated?[index] ?? 0
      return g / (1 + exp(-Double(alpha) * g)) * (min(max(l, -limit), limit) + Double(beta))
    }
  }

  /// The weights of one product as numbers.
  private struct Product {
    var experts: Int
    var width: Int
    var depth: Int
    var weights: [Double]
    var bias: [Double]?

    func apply(_ x: [Double], _ expert: Int) -> [Double] {
      (0..<width).map { row in
        let start = (expert * width + row) * depth
        var sum = bias?[expert * width + row] ?? 0
        for index in 0..<depth { sum += weights[start + index] * x[index] }
        return sum
      }
    }
  }

  private func product(_ number: Int, _ inputs: [Datum?]) throws(OperatorError) -> Product {
    let place = place(number)
    let stored = try inputs.tensor(place.weights)
    guard stored.rank == 3 else { throw OperatorError("ranks-match", "weights of experts are [experts, n, k]") }
    let (experts, width) = (stored.shape[0], stored.shape[1])
    let depth = stored.shape[2] * (bits == 0 ? 1 : 8 / bits)
    let bias = try inputs.optionalTensor(place.bias)?.doubles()
    guard bias == nil || bias?.count == experts * width else { throw OperatorError("bias-broadcast", "a bias does not fit its experts") }
    var weights: [Double]
    if let scales = place.scales {
      weights = try numbers(
        try stored.integers(), try inputs.tensor(scales).doubles(),
        try place.zeros.flatMap { (index) throws(OperatorError) in
          try inputs.optionalTensor(index)?.integers()
        }, rows: experts * width, depth: depth)
    } else {
      weights = try stored.doubles()
    }
    return Product(experts: experts, width: width, depth: depth, weights: weights, bias: bias)
  }

  /// (stored − zero point)·scale, with fields packed from the low bits of a byte up.
  private func numbers(
    _ packed: [Int64], _ scales: [Double], _ zeros: [Int64]?, rows: Int, depth: Int
  ) throws(OperatorError) -> [Double] {
    let perByte = 8 / bits
    let block = blockSize > 0 ? blockSize : max(1, depth)
    let blocks = depth.ceilingQuotient(block)
    // Zero points of a row begin at a byte of their own; without blocks all rows of an expert are packed together.
    let stride = blockSize > 0 ? blocks.ceilingQuotient(perByte) * perByte : 1
    guard scales.count == rows * blocks, zeros.map({ $0.count * perByte >= rows * stride }) ?? true else {
      throw OperatorError("block-form", "scales or zero points do not fit the experts' weights")
    }
    func field(_ bytes: [Int64], _ index: Int) -> Int64 {
      bytes[index / perByte] >> Int64(index % perByte * bits) & (Int64(1 << bits) - 1)
    }
    return (0..<(rows * depth)).map { index in
      let (row, part) = (index / depth, index % depth / block)
      let zero = zeros.map { field($0, row * stride + part) } ?? Int64(1 << (bits - 1))
      return Double(field(packed, index) - zero) * scales[row * blocks + part]
    }
  }
}

extension ExpertMixture.Activation {
  fileprivate func apply(_ x: Double) -> Double {
    switch self {
    case .relu: max(0, x)
    case .gelu: Gelu.Form.tanh.apply(x, alpha: 1)
    case .silu: x / (1 + exp(-x))
    case .identity, .swiglu: x
    }
  }
}
