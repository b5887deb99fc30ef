package import IR

extension Resize {
  package static var onnxNames: [ONNXName] { ["Resize", "Upsample"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Resize {
    let mode: Mode
    switch try node.string("mode") ?? "nearest" {
    case "nearest": mode = .nearest
    case "linear", "bilinear": mode = .linear
    case "cubic": mode = .cubic
    case let other: throw OperatorError("resize-mode", "unknown resize mode '\(other)'")
    }
    if node.name.type == "Upsample" || node.opset < 11 { return try importScaling(&node, mode) }
    var result = Resize(
      mode, coordinates: try choice(&node, "coordinate_transformation_mode", .halfPixel),
      rounding: try choice(&node, "nearest_mode", .preferFloor), axes: try node.integers("axes"))
    result.aspectRatio = try choice(&node, "keep_aspect_ratio_policy", .stretch)
    result.antialias = try node.integer("antialias") ?? 0 != 0
    result.excludesOutside = try node.integer("exclude_outside") ?? 0 != 0
    result.cubic = try node.float("cubic_coeff_a") ?? -0.75
    result.extrapolation = try node.float("extrapolation_value") ?? 0
    return result
  }

  /// The first forms had scales only and divided positions by them, rounding down.
  private static func importScaling(_ node: inout ONNXNode, _ mode: Mode) throws(OperatorError) -> Resize {
    if let height = try node.float("height_scale"), let width = try node.float("width_scale") {
      node.setInput(2, Tensor([4], floats: [1, 1, height, width]))
    } else if let scales = try node.floats("scales") {
      node.setInput(2, Tensor([scales.count], floats: scales))
    } else if node.inputs.count > 1 {
      node.inputs.insert(.absent, at: 1)
    }
    return Resize(mode, coordinates: .asymmetric, rounding: .floor)
  }

  private static func choice<Choice: RawRepresentable<String>>(
    _ node: inout ONNXNode, _ name: String, _ standard: Choice
  ) throws(OperatorError) -> Choice {
    guard let text = try node.string(name) else { return standard }
    guard let value = Choice(rawValue: text) else { throw OperatorError("resize-mode", "unknown \(name) '\(text)'") }
    return value
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [
      ("mode", .string(mode.rawValue)), ("coordinate_transformation_mode", .string(coordinates.rawValue)),
      ("nearest_mode", .string(rounding.rawValue)),
    ]
    if let axes { attributes.append(("axes", .integers(axes))) }
    if aspectRatio != .stretch { attributes.append(("keep_aspect_ratio_policy", .string(aspectRatio.rawValue))) }
    if antialias { attributes.append(("antialias", .integer(1))) }
    if excludesOutside { attributes.append(("exclude_outside", .integer(1))) }
    if cubic != -0.75 { attributes.append(("cubic_coeff_a", .float(cubic))) }
    if extrapolation != 0 { attributes.append(("extrapolation_value", .float(extrapolation))) }
    return ONNXSpelling("Resize", attributes)
  }
}
