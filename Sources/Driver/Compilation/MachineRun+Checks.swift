internal import Basic
internal import Hardware
internal import Results

extension MachineRun {
  /// Refuses a model that needs more of a memory than the machine has.
  func checkFits(on target: TargetFile, weightBytes: Int) throws(Failure) {
    for (level, steps) in timeline.occupancy.sorted(by: { $0.key < $1.key }) {
      guard let capacity = timeline.capacity[level], let most = steps.compactMap(\.last).max(), most > capacity else { continue }
      throw Failure(
        "the model needs \(Format.bytes(Double(most))) of \(level), \(Format.bytes(Double(weightBytes))) of them for weights; "
          + "'\(target.name)' has \(Format.bytes(Double(capacity)))",
        at: target.root.location,
        fix: Double(weightBytes) > Double(capacity)
          ? "the weights alone do not fit: store them in a narrower --precision, or take a machine with more"
          : "run fewer inputs at once (--batch, --dim), in a narrower --precision, or on a machine with more")
    }
  }
}
