internal import IR

/// How a machine carries out a product of given encodings.
package struct GEMMPathChoice: Sendable {
  package var path: GEMMPath
  /// The product as the path computes it; differs from the one asked for when encodings are emulated.
  package var shape: GEMMShape
  /// What was emulated and why; empty when the machine has it.
  package var notes: [String]
}

extension GEMMModel {
  /// The first path of the file that takes the encodings, or the nearest emulation; nil when there is none.
  ///
  /// Emulations, in this order: a scale per tensor instead of per block; weights widened to 16 bits in the main loop (their
  /// bytes still shrink, the arithmetic does not); 16-bit formats the machine lacks as fp32 on the ordinary cores.
  ///
  /// - `library`: a library with paths or 2:4 kernels of its own that are preferred; nil for the one the file assumes.
  package func choosePath(for shape: GEMMShape, library: String? = nil) -> GEMMPathChoice? {
    let own = gpu.gemm.paths.filter { !$0.library.isEmpty && $0.library == library }
    let paths = own + gpu.gemm.paths.filter(\.library.isEmpty)
    var shape = shape
    var notes: [String] = []
    var sparse: MatrixInstruction?
    for relax in [Self.asGiven, Self.scalePerTensor, Self.widenWeights, Self.widenToSingle] {
      guard let note = relax(&shape) else { continue }
      if !note.isEmpty { notes.append("\(note): \(gpu.name) has no instruction for it") }
      guard var path = paths.first(where: { $0.takes(shape) }) else { continue }
      if shape.isSparse {
        sparse = gpu.fastestInstruction(.twoOfFour) { $0 == path.instruction.formats }
        if let sparse {
          path.instruction = sparse
          let kernels = gpu.gemm.sparse.first { library == nil || $0.name == library } ?? gpu.gemm.sparse.first
          if let kernels {
            path.name += " 2:4 (\(kernels.name))"
            path.issueEfficiency *= kernels.issueShare
          }
        } else {
          shape.isSparse = false
          notes.append("2:4 computed dense: \(gpu.name) has no sparse instruction for \(path.name)")
        }
      }
      return GEMMPathChoice(path: path, shape: shape, notes: notes)
    }
    return nil
  }

  private static func asGiven(_ shape: inout GEMMShape) -> String? { "" }

  private static func scalePerTensor(_ shape: inout GEMMShape) -> String? {
    guard shape.isBlockScaled else { return nil }
    shape.isBlockScaled = false
    return "block scales applied per tensor"
  }

  private static func widenWeights(_ shape: inout GEMMShape) -> String? {
    guard shape.activation.bits < 16 || shape.weight.bits < 16 else { return nil }
    let asked = "\(shape.activation.rawValue) × \(shape.weight.rawValue)"
    if shape.activation.bits < 16 { shape.activation = .float16 }
    switch shape.weight.bits {
    case ..<8: shape.weight = .int4
    case 8: shape.weight = .int8
    default: break
    }
    shape.isBlockScaled = false
    return "\(asked) widened to 16 bits in the main loop"
  }

  private static func widenToSingle(_ shape: inout GEMMShape) -> String? {
    guard shape.activation.isFloat, shape.activation.bits <= 32 else { return nil }
    let asked = shape.activation.rawValue
    // Loaded as they are stored and converted in registers (cuBLAS: maxwell_fp16_sgemm_fp16).
    shape.storedOperands = GEMMShape.StoredOperands(activation: shape.activation, weight: shape.weight)
    shape.activation = .float32
    shape.weight = .float32
    return "\(asked) computed as fp32 on the ordinary cores"
  }
}

extension GEMMPath {
  fileprivate func takes(_ shape: GEMMShape) -> Bool {
    activations.contains(shape.activation) && weights.contains(shape.weight) && isBlockScaled == shape.isBlockScaled
  }
}
