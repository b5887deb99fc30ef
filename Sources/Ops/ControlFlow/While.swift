package import IR

/// ONNX `Loop`: a region repeated while a condition holds and at most a given number of times.
///
/// Inputs: optional trip count, optional condition, `carried` values, then what the region captures. The region takes
/// (iteration, condition, carried…, captures…) and gives (condition, carried…, collected…). Outputs: the final carried
/// values, then every collected value of all iterations stacked along a new first axis.
package struct While: ONNXOperator {
  package static let name = "loop"

  /// Iterations after which an evaluation gives up.
  private static let limit = 1 << 24

  package var carried: Int

  package init(carried: Int) { self.carried = carried }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let results = try context.results(ofRegion: 0)
    guard (0..<1 << 16).contains(carried), results.count > carried, context.inputs.count >= 2 + carried else {
      throw OperatorError("results-match", "a loop with \(carried) carried values has \(results.count) results")
    }
    var types: [ValueType] = []
    for index in 0..<carried {
      guard let initial = context.type(2 + index) else {
        throw OperatorError("missing-input", "input \(2 + index) is missing")
      }
      types.append(try initial.joined(with: results[1 + index]) { context.freshDimension("\(index).\($0)") })
    }
    for result in results.dropFirst(1 + carried) {
      guard case .tensor(let type) = result else {
        guard let element = result.elementType else {
          throw OperatorError("tensor-expected", "a loop collects tensors")
        }
        types.append(.unranked(element))
        continue
      }
      types.append(.tensor(TensorType(type.element, [context.freshDimension("trips")] + type.shape)))
    }
    return types
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let collected = operands.outputs.dropFirst(carried).first?.tensor?.shape.first?.constant
    let most = operands.contents.first.flatMap { $0 }?.first?.constant
    guard let trips = collected ?? most else {
      throw OperatorError("trip-count", "only the data tell how often the loop runs")
    }
    return .loop(
      Loop(
        label: "loop", tripCount: max(trips, 0), body: operands.regions.first ?? [],
        inputs: try operands.presentInputs(),
        outputs: try operands.allOutputs()))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let most = try inputs.optionalTensor(0)?.integers().first
    var goesOn = try inputs.optionalTensor(1)?.doubles().first ?? 1 != 0
    guard (0..<1 << 16).contains(carried), inputs.count >= 2 + carried else {
      throw OperatorError("missing-input", "a carried value is missing")
    }
    var state = Array(inputs[2..<2 + carried])
    let captures = inputs[(2 + carried)...]
    var collected: [[Tensor]] = Array(repeating: [], count: max(context.outputCount - carried, 0))
    var trip: Int64 = 0
    while goesOn, trip < most ?? .max {
      guard trip < While.limit else {
        throw OperatorError("too-large", "a loop of more than \(While.limit) iterations")
      }
      let header: [Datum?] = [.tensor(Tensor([], integers: [trip])), .tensor(Tensor(.bool, [], .bool([goesOn])))]
      let results = try context.run(0, header + state + captures)
      guard results.count > carried, let condition = try results[0].tensor?.doubles().first else {
        throw OperatorError("results-match", "the loop's region has too few results")
      }
      goesOn = condition != 0
      state = Array(results[1..<1 + carried])
      for (index, result) in results.dropFirst(1 + carried).prefix(collected.count).enumerated() {
        guard let tensor = result.tensor else { throw OperatorError("tensor-expected", "a loop collects tensors") }
        collected[index].append(tensor)
      }
      trip += 1
    }
    var outputs: [Datum] = []
    for case let value? in state { outputs.append(value) }
    for tensors in collected { outputs.append(.tensor(try stacked(tensors, axis: 0))) }
    return outputs
  }

  package static var onnxNames: [ONNXName] { ["Loop"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> While {
    _ = try node.region("body")
    // Captures follow, so that absent trip count and condition keep their places.
    while node.inputs.count < 2 { node.inputs.append(.absent) }
    return While(carried: node.inputs.count - 2)
  }

  package var onnxInputCount: Int? { 2 + carried }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("Loop", [("body", .region(0))]) }
}
