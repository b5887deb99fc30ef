internal import Basic
internal import IR
internal import Lowering
internal import Passes
internal import Results

/// Layer by layer, what structured sparsity would buy: the same kernels timed dense and sparse on the same machine.
///
/// A layer is kept sparse only when that is predicted to be faster; everything else stays dense, with the reason.
struct SparsityStudy {
  let dense: PredictionAttempt
  let sparse: PredictionAttempt
  let capabilities: Capabilities
  /// `2:4`
  let name: String

  /// A gain below this share is inside the model's own error and not worth retraining for.
  private static let worthwhile = 1.01

  /// One verdict per kernel that multiplies by weights. Fusion does not depend on sparsity, so kernels correspond by number.
  var verdicts: [SparsityVerdict] {
    zip(sparse.program.kernels, zip(dense.run.kernels, sparse.run.kernels)).compactMap { kernel, results in
      guard case .contraction(let contraction) = kernel.anchorComputation, contraction.rhs.isConstant else { return nil }
      return verdict(kernel, contraction, dense: results.0, sparse: results.1)
    }
  }

  /// Source nodes that are better off dense.
  func denseLayers(_ verdicts: [SparsityVerdict]) -> Set<String> {
    let kept = Set(verdicts.filter(\.chosen).map(\.layer))
    return Set(sparse.program.kernels.filter { !kept.contains($0.name) }.flatMap(\.origin))
  }

  private func verdict(_ kernel: Kernel, _ contraction: Contraction, dense: KernelResult, sparse: KernelResult) -> SparsityVerdict {
    let isMarked = contraction.rhs.encoding.sparsity != .dense
    let isNative = capabilities.sparsities.contains(name)
    let gain = sparse.latencySeconds > 0 ? dense.latencySeconds / sparse.latencySeconds : 1
    let isEligible = isMarked && isNative
    let isChosen = isEligible && gain >= Self.worthwhile
    return SparsityVerdict(
      layer: kernel.name, eligible: isEligible, chosen: isChosen, gain: isEligible ? gain : 1, bound: sparse.bound,
      metadataBytes: isMarked ? metadataBytes(contraction.rhs) : 0,
      reason: reason(kernel, isMarked: isMarked, isNative: isNative, gain: gain, dense: dense, sparse: sparse))
  }

  /// Positions of the kept values: stored bytes less the values themselves.
  private func metadataBytes(_ weight: Operand) -> Int {
    guard case .structured(let kept, let of) = weight.encoding.sparsity else { return 0 }
    return max(0, weight.bytes - weight.storage.bytes(weight.count * kept / of))
  }

  private func reason(
    _ kernel: Kernel, isMarked: Bool, isNative: Bool, gain: Double, dense: KernelResult, sparse: KernelResult
  ) -> String {
    guard isMarked else {
      let missed = self.sparse.compiled.ledger.missed.first { $0.rule == "sparsity" && !Set($0.nodes).isDisjoint(with: kernel.origin) }
      return missed?.reason ?? "its weights cannot take \(name)"
    }
    guard isNative else { return "the machine has no \(name) instruction" }
    guard gain >= Self.worthwhile else {
      return "stays dense: \(Format.seconds(dense.latencySeconds)) either way, bound by \(sparse.bound.label); \(sparse.reason)"
    }
    return
      "\(Format.seconds(dense.latencySeconds)) → \(Format.seconds(sparse.latencySeconds)), then bound by \(sparse.bound.label); \(sparse.reason)"
  }
}
