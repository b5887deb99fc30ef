internal import Lowering

extension Residency {
  /// Plans that are looked at, at most.
  private static let planLimit = 256

  /// Looks for a plan for less near memory that sends less to the far one.
  ///
  /// Whole feature maps take their places before layers run depth first, as the vendor's compiler has it: one map more in a larger
  /// memory can take the room of a whole cascade. What is decided with `c` bytes is decided alike with all from the fullest
  /// moment `p <= c` on, so that the next other plan is that for `p - 1` bytes: no plan is left out.
  mutating func findSmallerPlan(_ kernels: [Kernel], _ machine: NPUDescription) {
    var trial = self
    var best: (capacity: Int, spilledBytes: Int)?
    for _ in 0..<Self.planLimit {
      let capacity = trial.peak - 1
      guard capacity > 0 else { break }
      _ = trial.place(kernels, machine, capacity: capacity)
      // Differences of a few rows are no reason to say anything.
      if trial.spilledBytes < best?.spilledBytes ?? spilledBytes * 19 / 20 { best = (capacity, trial.spilledBytes) }
    }
    smallerPlan = best
  }
}
