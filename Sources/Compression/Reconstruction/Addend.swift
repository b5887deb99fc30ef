package import IR
package import Numerics
internal import Ops

extension LinearLayer {
  /// The constant vector added to the layer's result: its own bias, or what a sum right behind it adds; nil when there is none,
  /// others read it too, or the operator scales product or bias.
  package func addend(in graph: Graph, users: [[NodeID]]) -> ValueID? {
    func vector(_ value: ValueID) -> Bool {
      graph[value].constant != nil && users[value.index].count == 1 && graph.tensorType(value)?.elementCount == groups * outputs
    }
    if let gemm = graph[node].operation as? Gemm, gemm.alpha != 1 || gemm.beta != 1 { return nil }
    if let bias { return vector(bias) ? bias : nil }
    let result = graph[node].outputs[0]
    guard users[result.index].count == 1, !graph.outputs.contains(result), let next = users[result.index].first,
      case .pointwise(let sum)? = try? graph[next].operation.computation(graph.operandTypes(of: graph[next]).bindingSymbols(to: 1)),
      sum.function == "add", let type = graph.tensorType(result), resultAxis == type.rank - 1
    else { return nil }
    return graph[next].inputs.compactMap(\.self).first { vector($0) && graph.tensorType($0)?.shape.last == type.shape.last }
  }

  /// What the layer's results are too small by on average, per output: W·E[x] − W′·E[x′].
  ///
  /// - Parameters:
  ///   - exact: weights and input moments of the original layer, per group.
  ///   - working: those of the compressed one.
  package func meanError(
    exact: (weights: [Matrix], moments: [GramAccumulator]), working: (weights: [Matrix], moments: [GramAccumulator])
  ) -> [Double] {
    (0..<groups).flatMap { group in
      zip(mean(exact.weights[group], exact.moments[group]), mean(working.weights[group], working.moments[group])).map { $0 - $1 }
    }
  }

  private func mean(_ weights: Matrix, _ moments: GramAccumulator) -> [Double] {
    let count = Double(max(1, moments.count))
    return (weights * Matrix(rows: moments.width, columns: 1, moments.sum.map { $0 / count })).elements
  }
}

extension Tensor {
  /// The same tensor with a number added to each element.
  package func adding(_ values: [Double]) throws(OperatorError) -> Tensor {
    Tensor(element, shape, rounding: zip(try doubles(), values).map { $0 + $1 })
  }
}
