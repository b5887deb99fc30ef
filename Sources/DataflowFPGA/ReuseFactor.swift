/// Reuse factors a resource-strategy dense kernel can have.
///
/// `rf` is legal for an `inputs x outputs` matrix when
///
///     inputs*outputs mod rf = 0,  rf < inputs or rf mod inputs = 0,
///     rf >= inputs or ceil(inputs*outputs / min(inputs, rf)) mod outputs = 0
///
/// Source: hls4ml, `FPGABackend.get_valid_reuse_factors` and `get_closest_reuse_factor`.
package struct ReuseFactor: Sendable, Hashable {
  package var requested: Int
  package var effective: Int

  /// True when the tool silently uses another factor than the one asked for.
  package var isCorrected: Bool { requested != effective }

  /// A factor that is taken as it stands: the latency strategy has no illegal ones.
  package init(fixed factor: Int) {
    requested = max(1, factor)
    effective = requested
  }

  /// Takes the legal factor nearest the request, ties to the smaller one.
  package init(requested: Int, inputs: Int, outputs: Int) {
    self.requested = requested
    let goal = max(1, requested)
    let product = max(1, inputs * outputs)
    guard goal < product else {
      effective = product
      return
    }
    var distance = 0
    while goal - distance > 1 {
      if Self.isLegal(goal - distance, inputs: inputs, outputs: outputs) { break }
      if Self.isLegal(goal + distance, inputs: inputs, outputs: outputs) { break }
      distance += 1
    }
    let below = goal - distance
    effective = Self.isLegal(below, inputs: inputs, outputs: outputs) ? below : goal + distance
  }

  package static func isLegal(_ factor: Int, inputs: Int, outputs: Int) -> Bool {
    guard factor > 0, inputs > 0, outputs > 0 else { return false }
    let product = inputs * outputs
    guard product % factor == 0, factor < inputs || factor % inputs == 0 else { return false }
    guard factor < inputs else { return true }
    return ((product + factor - 1) / factor) % outputs == 0
  }

  /// All legal factors in ascending order.
  package static func legal(inputs: Int, outputs: Int) -> [Int] {
    let product = max(1, inputs * outputs)
    var found: [Int] = []
    var candidate = 1
    while candidate * candidate <= product {
      if product % candidate == 0 {
        found.append(candidate)
        if candidate * candidate != product { found.append(product / candidate) }
      }
      candidate += 1
    }
    return found.filter { isLegal($0, inputs: inputs, outputs: outputs) }.sorted()
  }
}
