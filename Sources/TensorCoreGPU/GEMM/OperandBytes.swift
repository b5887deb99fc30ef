internal import IR

/// Bytes per element as stored, metadata and scales included.
struct OperandBytes: Sendable, Hashable {
  var activation: Double
  var weight: Double
}

extension OperandBytes {
  /// Bytes per element on a path: weights as stored (2:4 keeps half the values and two bits of position for each), activations
  /// as the product reads them after a prelude has quantised them.
  init(_ shape: GEMMShape, _ path: GEMMPath) {
    // Four-bit formats carry an 8-bit scale for every 16 values.
    func bytes(_ format: ElementType) -> Double {
      Double(format.bits) / 8 + (format.isFloat && format.bits == 4 && shape.isBlockScaled ? 1.0 / 16 : 0)
    }
    activation =
      Self.narrowsActivations(shape, path)
      ? path.operandBytes : bytes(shape.storedOperands?.activation ?? shape.activation)
    var stored = bytes(shape.storedOperands?.weight ?? shape.weight)
    if shape.isSparse { stored = stored / 2 + 0.125 }
    weight = stored
  }

  /// True when a prelude turns 16-bit activations into the instruction's narrower operands.
  static func narrowsActivations(_ shape: GEMMShape, _ path: GEMMPath) -> Bool {
    Double(shape.activation.bits) / 8 >= 2 * path.operandBytes
  }
}
