package import IR
internal import Foundation

/// Triangular filters that map a spectrum to mel bands, m = 2595·log10(1 + f/700).
///
/// Inputs (scalars): bands, transform length, sample rate, lowest and highest frequency in Hz. Output: [length/2 + 1, bands].
package struct MelWeightMatrix: ONNXOperator {
  package static let name = "mel-weight-matrix"

  package var element: ElementType

  package init(element: ElementType = .float32) { self.element = element }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let bins = context.known(1)?.first.map { $0.floorDivided(by: 2) + 1 } ?? context.freshDimension("bins")
    return [.tensor(TensorType(element, [bins, context.known(0)?.first ?? context.freshDimension("bands")]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    try operands.pointwise("mel-weight-matrix", simple: 4)
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    var scalars: [Double] = []
    for index in 0..<5 {
      guard let value = try inputs.tensor(index).doubles().first else { throw OperatorError("missing-input", "input \(index) is empty") }
      scalars.append(value)
    }
    let (bands, length) = (Int(scalars[0].clampedInt64), Int(scalars[1].clampedInt64))
    guard bands >= 0, length >= 0, scalars[2] > 0, let count = [length / 2 + 1, bands].checkedProduct, count < 1 << 31 else {
      throw OperatorError("length-range", "bands, length and sample rate must be positive")
    }
    func mel(_ frequency: Double) -> Double { 2595 * Foundation.log10(1 + frequency / 700) }
    let step = (mel(scalars[4]) - mel(scalars[3])) / Double(bands + 2)
    let edges = (0..<(bands + 2)).map { index -> Int in
      let frequency = 700 * (Foundation.pow(10, (Double(index) * step + mel(scalars[3])) / 2595) - 1)
      return Int((Double(length + 1) * frequency / scalars[2]).rounded(.down).clampedInt64)
    }
    let bins = length / 2 + 1
    var y = [Double](repeating: 0, count: count)
    for band in 0..<bands {
      let (lower, centre, upper) = (edges[band], edges[band + 1], edges[band + 2])
      func set(_ bin: Int, _ value: Double) { if bin >= 0, bin < bins { y[bin * bands + band] = value } }
      set(centre, 1)
      for bin in max(0, lower)..<max(0, lower, min(bins, centre)) { set(bin, Double(bin - lower) / Double(centre - lower)) }
      for bin in max(0, centre)..<max(0, centre, min(bins, upper)) { set(bin, Double(upper - bin) / Double(upper - centre)) }
    }
    return [.tensor(Tensor(element, [bins, bands], rounding: y))]
  }

  package static var onnxNames: [ONNXName] { ["MelWeightMatrix"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> MelWeightMatrix {
    MelWeightMatrix(element: try node.elementType("output_datatype") ?? .float32)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("MelWeightMatrix", [("output_datatype", .integer(element.onnxCode ?? 1))])
  }
}
