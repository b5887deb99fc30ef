package import IR

/// Decodes a compressed image. Input: the file's bytes [n]. Output: uint8 [height, width, channels].
///
/// Types are inferred; evaluation is refused, because the product contains no JPEG, PNG or other picture decoder.
package struct DecodeImage: ONNXOperator {
  package static let name = "decode-image"

  package enum PixelFormat: String, Codable, Sendable, Hashable { case rgb = "RGB", bgr = "BGR", grayscale = "Grayscale" }

  package var format: PixelFormat

  package init(format: PixelFormat = .rgb) { self.format = format }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    _ = try context.tensor(0)
    let channels: Dimension = format == .grayscale ? 1 : 3
    return [.tensor(TensorType(.uint8, [context.freshDimension("height"), context.freshDimension("width"), channels]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    .opaque(Opaque(label: "decode-image", inputs: try operands.presentInputs(), outputs: try operands.allOutputs()))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    throw OperatorError("no-image-decoder", "compressed images cannot be decoded here: decode them before the model runs")
  }

  package static var onnxNames: [ONNXName] { ["ImageDecoder"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> DecodeImage {
    guard let format = PixelFormat(rawValue: try node.string("pixel_format") ?? "RGB") else {
      throw OperatorError("pixel-format", "the pixel format must be RGB, BGR or Grayscale")
    }
    return DecodeImage(format: format)
  }

  package func exportONNX() -> ONNXSpelling { ONNXSpelling("ImageDecoder", [("pixel_format", .string(format.rawValue))]) }
}
