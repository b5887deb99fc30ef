internal import Basic
internal import IR
internal import Lowering

/// Kernels with their weights as a GPU stores them: zeros are left out only of weights whose product has an instruction that
/// skips them. Any other kernel multiplies by the zeros, so its library takes them as numbers like all others.
struct SparseStorage {
  private(set) var kernels: [Kernel]
  /// What was asked for and is not done, by kernel; nil where all is.
  private(set) var notes: [String?]

  init(_ kernels: [Kernel], _ gemm: GEMMModel) {
    self.kernels = kernels
    notes = Array(repeating: nil, count: kernels.count)
    for (index, kernel) in kernels.enumerated() {
      guard kernel.reads.contains(where: { $0.operand.encoding.sparsity != .dense }) else { continue }
      let kept = Self.weightWithInstruction(kernel, gemm)
      var stored = kernel.mappingOperands(\.withZeros)
      if let kept, case .contraction(var contraction) = stored.anchorComputation {
        contraction.rhs = kept.operand
        stored.steps[stored.anchor].computation = .contraction(contraction)
        for position in stored.reads.indices where stored.reads[position].id == kept.id { stored.reads[position] = kept }
      }
      self.kernels[index] = stored
      let dense = kernel.reads.filter { $0.operand.encoding.sparsity != .dense && $0.id != kept?.id }
      guard let first = dense.first else { continue }
      notes[index] =
        "\(first.operand.encoding.sparsity.label) stored and computed with its zeros: \(gemm.gpu.name) has no instruction that skips them here"
    }
  }

  /// The weight of the kernel's product when the path it takes multiplies compressed operands.
  private static func weightWithInstruction(_ kernel: Kernel, _ gemm: GEMMModel) -> Kernel.Tensor? {
    guard case .contraction(let contraction) = kernel.anchorComputation, contraction.experts == nil,
      let choice = gemm.choosePath(for: GEMMShape(contraction)), choice.shape.isSparse,
      let weight = kernel.steps[kernel.anchor].inputs.dropFirst().first
    else { return nil }
    return kernel.reads.first { $0.id == weight }
  }
}

extension Operand {
  fileprivate var withZeros: Operand {
    var result = self
    result.encoding.sparsity = .dense
    return result
  }
}

extension Encoding.Sparsity {
  fileprivate var label: String {
    switch self {
    case .dense: "dense"
    case .structured: ratio ?? ""
    case .unstructured(let density): "\(Format.percent(1 - Double(density) / 1e6)) zeros"
    }
  }
}
