import IR
import Ops
import Testing

/// Evaluates an operator on tensors.
func evaluate(_ operation: any Operator, _ inputs: Tensor?..., outputs: Int = 1) throws -> [Tensor] {
  try operation.evaluate(inputs.map { $0.map(Datum.tensor) }, EvaluationContext(outputCount: outputs)).compactMap(\.tensor)
}

/// Types an operator infers for symbolic or constant shapes of float tensors.
func infer(_ operation: any Operator, _ shapes: [Dimension]..., outputs: Int = 1) throws -> [ValueType] {
  try operation.inferTypes(
    InferenceContext(inputs: shapes.map { .tensor(TensorType(.float32, $0)) }, outputCount: outputs, nodeName: "node"))
}

@Suite struct NormalizationTests {
  @Test func layerNormalizationCentresEveryRow() throws {
    let x = Tensor([2, 2], floats: [1, 3, 10, 10])
    let y = try evaluate(LayerNormalization(epsilon: 0), x, Tensor([2], floats: [1, 2]), Tensor([2], floats: [0, 1]), outputs: 3)
    #expect(try y[0].floats().prefix(2) == [-1, 3])
    #expect(y[1].shape == [2, 1])
    #expect(try y[1].floats() == [2, 10])
  }

  @Test func groupNormalizationOfOneGroupPerChannelIsInstanceNormalization() throws {
    let x = Tensor([1, 2, 2], floats: [1, 3, 2, 6])
    let (scale, bias) = (Tensor([2], floats: [1, 1]), Tensor([2], floats: [0, 5]))
    let instance = try evaluate(GroupNormalization(groups: 0, epsilon: 0), x, scale, bias)[0].floats()
    #expect(instance == [-1, 1, 4, 6])
    #expect(try evaluate(GroupNormalization(groups: 2, epsilon: 0), x, scale, bias)[0].floats() == instance)
  }

  @Test func batchNormalizationInTrainingUpdatesTheRunningMean() throws {
    let parameter = Tensor([1], floats: [0])
    let y = try evaluate(
      BatchNormalization(epsilon: 0, momentum: 0.5, isTraining: true), Tensor([2, 1], floats: [1, 3]),
      Tensor([1], floats: [2]), Tensor([1], floats: [1]), parameter, parameter, outputs: 3)
    #expect(try y[0].floats() == [-1, 3])
    #expect(try y[1].floats() == [1])
    #expect(try y[2].floats() == [0.5])
  }

  @Test func symbolicExtentsSurvive() throws {
    let types = try infer(RootMeanSquareNormalization(), [.symbol("n"), .symbol("s"), 8], [8], outputs: 2)
    #expect(
      types == [
        .tensor(TensorType(.float32, [.symbol("n"), .symbol("s"), 8])), .tensor(TensorType(.float32, [.symbol("n"), .symbol("s"), 1])),
      ])
  }

  @Test func mismatchedChannelsAreNamed() {
    #expect(throws: OperatorError.self) { try infer(BatchNormalization(), [1, 3, 4], [2], [2], [2], [2]) }
  }
}
