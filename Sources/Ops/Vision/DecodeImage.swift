package import IR

/// Decodes a picture file. Input: its bytes [n]. Output: uint8 [height, width, channels].
///
/// Evaluation knows BMP, PNM, TIFF and PNG; JPEG, JPEG 2000 and WebP are refused.
package struct DecodeImage: ONNXOperator {
  package static let name = "decode-image"

  package enum PixelFormat: String, Codable, Sendable, Hashable, CaseIterable { case rgb = "RGB", bgr = "BGR", grayscale = "Grayscale" }

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
    let file = try inputs.tensor(0).integers().map { UInt8(truncatingIfNeeded: $0) }
    let image = try RasterImage(file)
    var samples: [UInt8] = []
    for start in stride(from: 0, to: image.pixels.count, by: 3) {
      let (red, green, blue) = (image.pixels[start], image.pixels[start + 1], image.pixels[start + 2])
      switch format {
      case .rgb: samples += [red, green, blue]
      case .bgr: samples += [blue, green, red]
      case .grayscale:
        // Luma of ITU-R BT.601.
        let luma: Int = 299 * Int(red) + 587 * Int(green) + 114 * Int(blue)
        samples.append(UInt8((luma + 500) / 1000))
      }
    }
    return [.tensor(Tensor(.uint8, [image.height, image.width, format == .grayscale ? 1 : 3], .uint8(samples)))]
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
