internal import Basic
internal import Results

/// What became slower from one prediction to another of the same layers, and why.
struct SlowerLayers {
  private let before: MachineRun
  private let after: MachineRun
  /// Layers whose weights are positions in tables that the machine does not read.
  private let codebooks: Set<String>
  /// The kernel that carried out a layer before, by index.
  private let layers: [String: Int]

  init(before: MachineRun, after: MachineRun, codebooks: Set<String>) {
    (self.before, self.after, self.codebooks) = (before, after, codebooks)
    var layers: [String: Int] = [:]
    for (index, kernel) in before.kernels.enumerated() { for name in kernel.origin { layers[name] = index } }
    self.layers = layers
  }

  /// Kernels that carried out the layers of one before, ascending.
  func parts(of kernel: KernelResult) -> [Int] { Set(kernel.origin.compactMap { layers[$0] }).sorted() }

  /// The largest loss first.
  var rows: [CompressionReport.SlowerLayer] {
    let found = isPipeline ? stages : groups.compactMap(row) + conversions
    return found.sorted { ($1.afterSeconds - $1.beforeSeconds, $0.layer) < ($0.afterSeconds - $0.beforeSeconds, $1.layer) }
  }

  // MARK: Kernels one after another

  /// Kernels after that stand for the same kernels before: they merge and split.
  private struct Group {
    var before: Set<Int>
    var after: [Int]
  }

  private var groups: [Group] {
    let readers = Self.readers(after.kernels)
    var groups: [Group] = []
    for index in after.kernels.indices {
      var parts = Set(parts(of: after.kernels[index]))
      // A layer that became two has its name on one of them: the other is known by who reads it.
      if parts.isEmpty, isArithmetic(after.kernels[index]), let reader = readers[index] {
        parts = Set(self.parts(of: after.kernels[reader]))
      }
      guard !parts.isEmpty else { continue }
      var joined = Group(before: parts, after: [index])
      groups.removeAll { group in
        guard !group.before.isDisjoint(with: parts) else { return false }
        joined.before.formUnion(group.before)
        joined.after += group.after
        return true
      }
      joined.after.sort()
      groups.append(joined)
    }
    return groups
  }

  private func isArithmetic(_ kernel: KernelResult) -> Bool { kernel.macs > 0 }

  /// The first kernel that reads what another writes, by index.
  private static func readers(_ kernels: [KernelResult]) -> [Int: Int] {
    var writer: [Int: Int] = [:]
    for (index, kernel) in kernels.enumerated() { for tensor in kernel.writes { writer[tensor.id] = index } }
    var result: [Int: Int] = [:]
    for (index, kernel) in kernels.enumerated() {
      for tensor in kernel.reads {
        if let source = writer[tensor.id], source != index, result[source] == nil { result[source] = index }
      }
    }
    return result
  }

  private func row(_ group: Group) -> CompressionReport.SlowerLayer? {
    let kernels = group.after.map { after.kernels[$0] }
    let was = group.before.sorted().reduce(0) { $0 + before.kernels[$1].latencySeconds }
    let now = kernels.reduce(0) { $0 + $1.latencySeconds }
    guard now > was * 1.001, let slowest = kernels.max(by: { $0.latencySeconds < $1.latencySeconds }) else { return nil }
    // What looks like 4 bits in the file is 8 in every memory of the machine.
    let decoded = kernels.contains { $0.origin.contains(where: codebooks.contains) } ? ", its codebook decoded ahead" : ""
    let why = "\(slowest.format)\(decoded), bound by \(slowest.bound.label): \(slowest.reason)"
    let first = group.before.min().map { before.kernels[$0] }
    let layer = first?.origin.first ?? slowest.name
    let count = "\(kernels.count) kernel\(kernels.count == 1 ? "" : "s") where it was \(group.before.count)"
    let reason =
      kernels.count > group.before.count
      ? "\(count) (\(kernels.map(\.name).joined(separator: ", "))), each with a start of its own; \(why)"
      : group.before.count > kernels.count ? "\(why); \(count)" : why
    return .init(layer: layer, beforeSeconds: was, afterSeconds: now, reason: reason)
  }

  /// Kernels that carry out no layer and multiply nothing: changes of format.
  private var conversions: [CompressionReport.SlowerLayer] {
    let grouped = Set(groups.flatMap(\.after))
    let added = after.kernels.indices.filter { !grouped.contains($0) && after.kernels[$0].origin.isEmpty }.map { after.kernels[$0] }
      .filter { $0.latencySeconds > 0 }
    guard let first = added.first else { return [] }
    let count = added.count == 1 ? "1 kernel converts" : "\(added.count) kernels convert"
    return [
      .init(
        layer: "(conversions)", beforeSeconds: 0, afterSeconds: added.reduce(0) { $0 + $1.latencySeconds },
        reason: "\(count) between formats, such as '\(first.name)'")
    ]
  }

  // MARK: Stages of a pipeline

  private var isPipeline: Bool { after.kernels.contains { $0.figures["bottleneck"] != nil } }

  /// Stages that take longer between frames; their spans overlap, so that only the interval is a time of their own.
  private var stages: [CompressionReport.SlowerLayer] {
    let room = after.roomLimit.map { "\($0) with less folding: " } ?? ""
    return after.kernels.compactMap { kernel in
      let parts = parts(of: kernel).map { before.kernels[$0] }
      guard let was = parts.max(by: { $0.interval < $1.interval }), kernel.interval > was.interval * 1.001 else { return nil }
      let folding = was.choice == kernel.choice || kernel.choice.isEmpty ? kernel.choice : "\(kernel.choice), was \(was.choice)"
      return .init(
        layer: kernel.origin.first ?? kernel.name, beforeSeconds: was.interval, afterSeconds: kernel.interval,
        reason: "\(room)\(folding.isEmpty ? "" : folding + "; ")times are intervals, \(kernel.format)")
    }
  }
}

extension KernelResult {
  /// Seconds between two frames of a pipeline, as far as this stage is concerned.
  fileprivate var interval: Double { cycles > 0 ? (figures["ii"] ?? 0) * latencySeconds / Double(cycles) : 0 }
}
