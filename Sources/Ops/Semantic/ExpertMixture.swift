package import IR
internal import Foundation

/// A mixture of experts: y = Σ over the chosen experts of weight·(W₂·act(W₁·x + b₁) + b₂) (com.microsoft MoE and QMoE).
///
/// Each row takes the `chosen` experts with the largest softmax of its router logits. Inputs of real weights (`bits` 0): x
/// [rows…, h], logits [rows, e], W₁ [e, f, h], b₁, W₂ [e, h, i], b₂, W₃ [e, i, h], b₃. Stored weights: x, logits, W₁, scales,
/// b₁, W₂, scales, b₂, W₃, scales, b₃, three zero points, weights of the rows. Absent ones are nil. Output: like x.
package struct ExpertMixture: ONNXOperator {
  package static let name = "expert-mixture"

  package enum Activation: String, Codable, Sendable, Hashable, CaseIterable {
    case relu, gelu, silu, identity
    /// g·σ(α·g)·(l + β) of two halves g and l of the first product, with both clamped to a limit.
    case swiglu
  }

  package var chosen: Int
  package var activation: Activation
  /// Weights of the chosen experts are divided by their sum.
  package var normalizesWeights: Bool
  /// Where l stands: 0 in a product of its own (W₃), 1 in turn with g, 2 behind g.
  package var fusion: Int
  package var alpha: Float
  package var beta: Float
  package var limit: Float?
  /// Bits of a stored weight; 0 for real weights.
  package var bits: Int
  /// Weights along the depth that share a scale; 0 for one scale per row.
  package var blockSize: Int

  package init(
    chosen: Int = 1, activation: Activation = .relu, normalizesWeights: Bool = false, fusion: Int = 0, bits: Int = 0, blockSize: Int = 0
  ) {
    self.chosen = chosen
    self.activation = activation
    self.normalizesWeights = normalizesWeights
    self.fusion = fusion
    alpha = 1
    beta = 0
    limit = nil
    self.bits = bits
    self.blockSize = blockSize
  }

  /// Input indices of one of the three products.
  struct Place {
    var weights: Int
    var scales: Int?
    var bias: Int
    var zeros: Int?
  }

  func place(_ product: Int) -> Place {
    bits == 0
      ? Place(weights: 2 + 2 * product, bias: 3 + 2 * product)
      : Place(weights: 2 + 3 * product, scales: 3 + 3 * product, bias: 4 + 3 * product, zeros: 11 + product)
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let (x, logits) = (try context.tensor(0), try context.tensor(1))
    guard x.rank == 2 || x.rank == 3, logits.rank == 2, chosen >= 1, chosen < 1 << 20, [0, 2, 4, 8].contains(bits), blockSize >= 0
    else { throw OperatorError("ranks-match", "a mixture of experts takes rows \(x.shape.text) and logits [rows, experts]") }
    for product in 0..<2 {
      let (w, expected) = (try context.tensor(place(product).weights), product == 0 ? x.shape.last : nil)
      guard w.rank == 3 else { throw OperatorError("ranks-match", "weights of experts are [experts, n, k], not \(w.shape.text)") }
      if bits == 0, let depth = expected?.constant, let k = w.shape[2].constant, depth != k {
        throw OperatorError("inner-extents", "rows of \(depth) elements meet experts of \(k)")
      }
    }
    return [.tensor(TensorType(x.element, x.shape))]
  }

  /// Two or three products whose rows choose among the experts' weights, and the function between them.
  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let x = try operands.input(0)
    let hidden = max(1, try operands.shape(ofInput: 0).last ?? 1)
    let rows = x.count / hidden * chosen
    let perByte = bits == 0 ? 1 : 8 / bits
    var (body, width): ([Computation], Int) = ([], 0)
    func product(_ number: Int, _ input: Operand) throws(OperatorError) -> Contraction {
      let place = place(number)
      let shape = try operands.shape(ofInput: place.weights)
      guard shape.count == 3 else { throw OperatorError("ranks-match", "weights of experts are [experts, n, k]") }
      var weights = try operands.input(place.weights)
      if let scales = place.scales, let scale = operands.inputs[scales]?.tensor {
        weights = Operand(
          element: x.element,
          encoding: Encoding(
            quantization: Encoding.Quantization(
              storage: bits == 2 ? .uint2 : bits == 4 ? .uint4 : .uint8,
              granularity: blockSize == 0 ? .channel(axis: 1) : .group(axis: 2, size: blockSize), scale: scale.element)),
          count: weights.count * perByte, isConstant: weights.isConstant)
      }
      return Contraction(
        batch: 1, m: rows, n: shape[1], k: shape[2] * perByte, lhs: input, rhs: weights,
        output: Operand(element: x.element, count: rows * shape[1]),
        hasBias: place.bias < operands.inputs.count && operands.inputs[place.bias] != nil, experts: shape[0], choices: chosen)
    }
    let first = try product(0, Operand(element: x.element, count: rows * hidden))
    body.append(.contraction(first))
    width = activation == .swiglu && fusion > 0 ? first.n / 2 : first.n
    if place(2).weights < operands.inputs.count, operands.inputs[place(2).weights] != nil {
      body.append(.contraction(try product(2, Operand(element: x.element, count: rows * hidden))))
    }
    let inner = Operand(element: x.element, count: rows * width)
    body.append(
      .pointwise(
        Pointwise(
          function: activation.rawValue, count: inner.count, inputs: [first.output], outputs: [inner],
          costPerElement: ArithmeticCost(simple: 4, special: 1))))
    body.append(.contraction(try product(1, inner)))
    return .loop(
      Loop(
        label: "expert-mixture", tripCount: 1, body: body, inputs: try operands.presentInputs(), outputs: try operands.allOutputs()))
  }

  package static var onnxNames: [ONNXName] { ["MoE", "QMoE"].map { ONNXName(domain: "com.microsoft", $0) } }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> ExpertMixture {
    let isStored = node.name.type == "QMoE"
    let word = try node.string("activation_type") ?? "relu"
    guard let activation = Activation(rawValue: word) else { throw OperatorError("activation", "no activation '\(word)' of experts") }
    guard try node.integer("use_sparse_mixer") ?? 0 == 0, try node.integer("swiglu_limit_after_activation") ?? 0 == 0,
      try node.string("quant_type") ?? "int" == "int", [-1, 0].contains(try node.integer("weights_prepacked") ?? 0)
    else { throw OperatorError("mixture-form", "sparse mixers, floating-point codes and rearranged weights are not supported") }
    for bits in ["fc1_expert_weight_bits", "fc2_expert_weight_bits", "fc3_expert_weight_bits"] where node.has(bits) {
      throw OperatorError("mixture-form", "experts with '\(bits)' of their own are not supported")
    }
    node.ignore("accuracy_level")
    var result = ExpertMixture(
      chosen: try node.integer("k") ?? 1, activation: activation,
      normalizesWeights: try node.integer("normalize_routing_weights") ?? 0 != 0, fusion: try node.integer("swiglu_fusion") ?? 0,
      bits: isStored ? try node.integer("expert_weight_bits") ?? 4 : 0, blockSize: try node.integer("block_size") ?? 0)
    result.alpha = try node.float("activation_alpha") ?? 1
    result.beta = try node.float("activation_beta") ?? 0
    result.limit = try node.float("swiglu_limit")
    guard (0...2).contains(result.fusion) else { throw OperatorError("mixture-form", "swiglu_fusion must be 0, 1 or 2") }
    return result
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [
      ("k", .integer(chosen)), ("activation_type", .string(activation.rawValue)),
      ("normalize_routing_weights", .integer(normalizesWeights ? 1 : 0)),
    ]
    if activation == .swiglu {
      attributes += [("swiglu_fusion", .integer(fusion)), ("activation_alpha", .float(alpha)), ("activation_beta", .float(beta))]
      if let limit { attributes.append(("swiglu_limit", .float(limit))) }
    }
    if bits > 0 { attributes.append(("expert_weight_bits", .integer(bits))) }
    if blockSize > 0 { attributes.append(("block_size", .integer(blockSize))) }
    return ONNXSpelling(ONNXName(domain: "com.microsoft", bits > 0 ? "QMoE" : "MoE"), attributes)
  }
}
