package import IR

/// An LSTM whose weights are 8-bit integers and whose inputs are quantised while it runs.
///
/// Inputs: x, w [d, i, 4·h] and r [d, h, 4·h] (integers, transposed against the plain layer), bias, sequence lengths,
/// initial state, initial cell state, peepholes, then scale and zero point of w and of r (per direction or per column).
/// Outputs as those of the plain layer. The reference computes with the dequantised weights and unrounded inputs.
package struct DynamicQuantizedLSTM: ONNXOperator {
  package static let name = "lstm-dynamic-quantized"

  package var hidden: Int
  package var direction: RecurrentLayer.Direction
  package var activations: [String]
  package var alphas: [Float]
  package var betas: [Float]
  package var clip: Float?
  package var couplesForget: Bool

  private init(_ layer: RecurrentLayer) {
    hidden = layer.hidden
    direction = layer.direction
    activations = layer.activations
    alphas = layer.alphas
    betas = layer.betas
    clip = layer.clip
    couplesForget = layer.couplesForget
  }

  private var layer: RecurrentLayer {
    var layer = RecurrentLayer(.lstm, hidden: hidden, direction: direction)
    layer.activations = activations
    layer.alphas = alphas
    layer.betas = betas
    layer.clip = clip
    layer.couplesForget = couplesForget
    return layer
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    var plain = context
    for index in [1, 2] {
      var weights = try context.tensor(index)
      guard weights.rank == 3 else { throw OperatorError("ranks-match", "weights must have three axes") }
      weights.shape.swapAt(1, 2)
      plain.inputs[index] = .tensor(weights)
    }
    return try layer.inferTypes(plain)
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let x = try operands.shape(ofInput: 0)
    return .loop(
      try RecurrentCost(cell: .lstm, hidden: hidden, inputSize: x[2], batch: x[1], length: x[0], directions: layer.directions)
        .loop(operands, w: try operands.input(1), r: try operands.input(2)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    func weights(_ index: Int, scale: Int) throws(OperatorError) -> [Double] {
      let tensor = try inputs.tensor(index)
      guard tensor.rank == 3 else { throw OperatorError("ranks-match", "weights must have three axes") }
      let scales = try inputs.tensor(scale).doubles()
      let zeros = try inputs.optionalTensor(scale + 1)?.doubles() ?? [0]
      let (directions, rows, columns) = (tensor.shape[0], tensor.shape[1], tensor.shape[2])
      let values = try tensor.doubles()
      guard [directions, directions * columns, 1].contains(scales.count), [directions, directions * columns, 1].contains(zeros.count) else {
        throw OperatorError("scale-shape", "one scale per direction or per column is needed, not \(scales.count)")
      }
      func parameter(_ list: [Double], _ d: Int, _ column: Int) -> Double {
        list[list.count == 1 ? 0 : list.count == directions ? d : d * columns + column]
      }
      var result = [Double](repeating: 0, count: values.count)
      for d in 0..<directions {
        for row in 0..<rows {
          for column in 0..<columns {
            result[(d * columns + column) * rows + row] =
              (values[(d * rows + row) * columns + column] - parameter(zeros, d, column)) * parameter(scales, d, column)
          }
        }
      }
      return result
    }
    return try layer.evaluate(
      try inputs.tensor(0), w: try weights(1, scale: 8), r: try weights(2, scale: 10), bias: try inputs.optionalTensor(3),
      lengths: try inputs.optionalTensor(4),
      states: (try inputs.optionalTensor(5), try inputs.optionalTensor(6), try inputs.optionalTensor(7)),
      outputCount: context.outputCount)
  }

  package static var onnxNames: [ONNXName] { [ONNXName(domain: "com.microsoft", "DynamicQuantizeLSTM")] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> DynamicQuantizedLSTM {
    DynamicQuantizedLSTM(try RecurrentLayer(.lstm, importing: &node))
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling(ONNXName(domain: "com.microsoft", "DynamicQuantizeLSTM"), layer.onnxAttributes)
  }
}
