package import Basic
package import IR
internal import Numerics
internal import Ops

/// Runs a quantised graph as integer hardware does: integer products and sums, requantisation, integer results.
///
/// A contraction whose operands are dequantised integers adds up integers in the accumulator the target declares; a clamp at
/// zero acts on the sum; `quantize` requantises the sum. Two stored tensors are added after rescaling, a mean is a sum. Everything else is
/// computed on the restored numbers and rounded by the next `quantize`, as tables and float units do.
package struct IntegerExecution: Sendable {
  private let graph: Graph
  private let order: [NodeID]
  private let arithmetic: IntegerArithmetic

  package init(_ graph: Graph, _ arithmetic: IntegerArithmetic) throws(Failure) {
    guard let order = graph.topologicalOrder() else { throw Failure("\(graph.name): the nodes form a cycle") }
    self.graph = graph
    self.order = order
    self.arithmetic = arithmetic
  }

  /// - Parameter observe: told the stored integers of every `quantize`.
  /// - Returns: the graph's outputs and how many sums left the accumulator's range.
  package func run(
    _ inputs: [Datum?], observe: (ValueID, Tensor) -> Void = { _, _ in }
  ) throws(Failure) -> (outputs: [Datum?], overflows: Int) {
    var values = [IntegerValue?](repeating: nil, count: (graph.valueIDs.last?.index ?? -1) + 1)
    var readers = [Int](repeating: 0, count: values.count)
    for id in order { for case let input? in graph[id].inputs { readers[input.index] += 1 } }
    for output in graph.outputs { readers[output.index] += 1 }
    for (id, datum) in zip(graph.inputs, inputs) { values[id.index] = datum.map { .real($0) } }
    var overflows = 0
    for id in order {
      let node = graph[id]
      var operands: [IntegerValue?] = []
      for input in node.inputs {
        guard let input else {
          operands.append(nil)
          continue
        }
        if let value = values[input.index] { operands.append(value) } else { operands.append(try constant(input)) }
      }
      do throws(OperatorError) {
        if let special = try integerResult(node, operands, &overflows) {
          values[node.outputs[0].index] = special
        } else {
          var plain: [Datum?] = []
          for operand in operands { plain.append(try operand?.restored()) }
          do throws(Failure) {
            for (output, datum) in zip(node.outputs, try evaluateNode(node, plain)) { values[output.index] = .real(datum) }
          } catch { throw OperatorError("evaluation", error.diagnostics.first?.message ?? "failed") }
        }
      } catch { throw Failure("node '\(node.name)': \(error)") }
      if node.operation is Quantize, case .real(.tensor(let stored))? = values[node.outputs[0].index] { observe(node.outputs[0], stored) }
      for case let input? in node.inputs {
        readers[input.index] -= 1
        if readers[input.index] == 0 { values[input.index] = nil }
      }
    }
    var outputs: [Datum?] = []
    do throws(OperatorError) { for output in graph.outputs { outputs.append(try values[output.index]?.restored()) } } catch {
      throw Failure("\(graph.name): \(error)")
    }
    return (outputs, overflows)
  }

  private func constant(_ id: ValueID) throws(Failure) -> IntegerValue? {
    guard let constant = graph[id].constant else { return nil }
    guard let tensor = Tensor(constant) else { throw Failure("the values of '\(graph[id].name)' are not at hand") }
    return .real(.tensor(tensor))
  }

  /// The result of a node that has an integer form; nil when it is computed on real numbers.
  private func integerResult(_ node: Node, _ operands: [IntegerValue?], _ overflows: inout Int) throws(OperatorError) -> IntegerValue? {
    switch node.operation {
    case let dequantize as Dequantize where dequantize.blockSize == 0:
      return try IntegerValue.stored(operands, axis: dequantize.axis)
    case is Quantize: return try requantized(operands).map { .real(.tensor($0)) }
    case let operation as any WeightedOperator:
      guard let product = try IntegerProduct(node, operation, operands) else { return nil }
      let (sums, count) = try product.sums(arithmetic)
      overflows += count
      return .sums(sums)
    case is GlobalPool, is Reduce:
      guard var sums = try IntegerMean(node, operands)?.sums() else { return nil }
      overflows += IntegerProduct.fit(&sums.values, arithmetic)
      return .sums(sums)
    case let unary as UnaryElementwise where unary.function == .relu:
      switch operands.first ?? nil {
      case .sums(var sums)?:
        for index in sums.values.indices where sums.values[index] < 0 { sums.values[index] = 0 }
        return .sums(sums)
      case .addition(let addition)?: return .addition(addition.clamped())
      default: return nil
      }
    case let binary as BinaryElementwise where binary.function == .add:
      guard operands.count == 2, case .codes(let a)? = operands[0], case .codes(let b)? = operands[1] else { return nil }
      switch arithmetic.requantization {
      case .fixedPoint: return FixedPointAddition(a, b).map { .sums($0.sums(arithmetic)) }
      case .real: return RealAddition(a, b).map { .addition($0) }
      }
    default: return nil
    }
  }

  /// Sums in the scale of a `quantize`; nil when its input is no sum or its scale is not one for all.
  private func requantized(_ operands: [IntegerValue?]) throws(OperatorError) -> Tensor? {
    guard operands.count > 2, let scale = try operands[1]?.tensor().floats(), scale.count == 1, let zero = try operands[2]?.tensor(),
      zero.element.isInteger
    else { return nil }
    let offset = try zero.integers().first ?? 0
    if case .addition(let addition)? = operands[0] {
      // Numbers of more bits come from real sums: no kernel adds 8 bits into 16.
      guard zero.element.bits <= 8 else { return nil }
      return Tensor(zero.element, addition.shape, saturating: try addition.codes(scale: scale[0], zero: offset))
    }
    guard case .sums(let sums)? = operands[0] else { return nil }
    let factors = sums.scales.map { Requantizer(factor: Double($0) / Double(scale[0]), arithmetic) }
    let codes = sums.values.indices.map {
      factors[factors.count == 1 ? 0 : $0 / sums.inner % factors.count].apply(sums.values[$0]) + offset
    }
    return Tensor(zero.element, sums.shape, saturating: codes)
  }
}
