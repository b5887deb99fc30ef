extension Campaign {
  /// Bytes touched between two uses of a weight, from those of one product.
  func weightReuse(_ operands: Double, library: String, format: String) -> Double {
    program(of: library).engineFormats.contains(format) ? .infinity : Double(operandSets) * operands
  }

  /// Puts what differs from a product in use into the shape and the path that stand for it.
  func adapt(_ choice: inout GEMMPathChoice, library: String, on gpu: GPUDescription) {
    let program = program(of: library)
    choice.path.instruction.energy *= program.energyShare
    // Activations that a prelude has quantised were written a moment ago.
    guard program.hasOwnActivations, choice.path.prelude == 0 else { return }
    let shape = choice.shape
    let bytes = OperandBytes(shape, choice.path)
    let m = Double(shape.m), n = Double(shape.n), k = Double(shape.k)
    let touched = Double(shape.batch) * (m * k * bytes.activation + n * k * bytes.weight) + shape.resultBytes
    let found = min(1, gpu.l2.capacity * gpu.l2.usableShare / (Double(operandSets) * max(touched, 1)))
    choice.shape.residency = GEMMShape.Residency(activation: found * found, weight: found * found, epilogue: 0, stored: 0)
  }
}
