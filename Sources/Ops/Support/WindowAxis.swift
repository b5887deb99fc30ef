package import IR

/// How much is padded around a sliding window.
package enum WindowPadding: String, Codable, Sendable, Hashable, CaseIterable {
  /// Given counts.
  case explicit
  case sameUpper = "same-upper"
  case sameLower = "same-lower"
  case valid

  /// From the `auto_pad` attribute.
  package init(onnx name: String?) {
    switch name ?? "NOTSET" {
    case "SAME_UPPER": self = .sameUpper
    case "SAME_LOWER": self = .sameLower
    case "VALID": self = .valid
    default: self = .explicit
    }
  }

  /// The attribute that says the same; `pads` in the explicit case.
  package func onnxAttribute(pads: [Int]) -> (name: String, value: ONNXAttribute) {
    switch self {
    case .explicit: ("pads", .integers(pads))
    case .sameUpper: ("auto_pad", .string("SAME_UPPER"))
    case .sameLower: ("auto_pad", .string("SAME_LOWER"))
    case .valid: ("auto_pad", .string("VALID"))
    }
  }
}

/// One axis of a sliding window.
package struct WindowAxis {
  package var stride: Int
  package var begin: Int
  package var end: Int
  package var padding: WindowPadding
  /// Extent of the dilated window: (taps − 1)·dilation + 1.
  package var reach: Dimension
  /// A last window that only partly fits counts too, unless it would start in the end padding.
  package var roundsUp = false

  package init(
    taps: Dimension, stride: Int, dilation: Int, pads: (begin: Int, end: Int), padding: WindowPadding,
    roundsUp: Bool = false
  ) {
    self.stride = stride
    begin = pads.begin
    end = pads.end
    self.padding = padding
    reach = (taps - 1) * .constant(dilation) + 1
    self.roundsUp = roundsUp
  }

  /// Refuses windows that no tensor can have: lists of the wrong length, steps that are not positive, numbers beyond 2³⁰.
  package static func check(_ axes: Int, steps: [[Int]], pads: [Int]) throws(OperatorError) {
    guard steps.allSatisfy({ $0.count == axes }), pads.count == 2 * axes else {
      throw OperatorError("window-rank", "window, strides, dilations and pads must fit \(axes) spatial axes")
    }
    guard steps.joined().allSatisfy({ $0 > 0 && $0 < 1 << 30 }) else {
      throw OperatorError("window-positive", "window, strides and dilations must be positive numbers below 2³⁰")
    }
    guard pads.allSatisfy({ $0 > -(1 << 30) && $0 < 1 << 30 }) else {
      throw OperatorError("window-padding", "the padding \(pads) is out of range")
    }
  }

  /// Number of window positions over `input` elements.
  package func output(_ input: Dimension) -> Dimension {
    let step = Dimension.constant(stride)
    switch padding {
    case .sameUpper, .sameLower: return input.ceilingDivided(by: step)
    case .valid: return positions(input - reach, step)
    case .explicit:
      let span = input + .constant(begin + end) - reach
      guard roundsUp else { return span.floorDivided(by: step) + 1 }
      return .minimum(positions(span, step), (input + .constant(begin - 1)).floorDivided(by: step) + 1)
    }
  }

  private func positions(_ span: Dimension, _ step: Dimension) -> Dimension {
    (roundsUp ? span.ceilingDivided(by: step) : span.floorDivided(by: step)) + 1
  }

  /// Padding in front and behind for known extents.
  package func pads(input: Int, output: Int) -> (begin: Int, end: Int) {
    let total = max(0, (output - 1) * stride + (reach.constant ?? 1) - input)
    switch padding {
    case .explicit: return (begin, end)
    case .valid: return (0, 0)
    case .sameUpper: return (total / 2, total - total / 2)
    case .sameLower: return (total - total / 2, total / 2)
    }
  }
}
