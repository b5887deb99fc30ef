internal import Basic

/// Board power and how clock and voltage react to it.
package struct PowerLimit: Sendable, Hashable {
  package var board: Double
  /// Watts that do not depend on the work; NaN when the file does not state them.
  package var idle: Double
  /// Dynamic power grows with this power of the clock (voltage follows frequency) …
  package var clockExponent: Double
  /// … down to this clock in Hz, below which the voltage stays and power falls with the clock alone.
  package var voltageFloor: Double
  /// Kernels shorter than this see only part of the clock reduction, in seconds.
  package var responseTime: Double
}

extension PowerLimit {
  /// Share of the boost clock for a kernel that dissipates `work` joules in `seconds` at boost; short ones feel a part of the limit.
  package func feltShare(work: Double, seconds: Double, boost: Double) -> Double {
    let settled = clockShare(demand: work / seconds, boost: boost)
    let felt = seconds / (seconds + responseTime)
    return 1 / (1 + felt * (1 / settled - 1))
  }

  /// Share of the boost clock at which work that would dissipate `demand` watts at boost stays within the board's power.
  ///
  /// P(s) = idle + demand·s·(V/V₀)², with (V/V₀)² = max(s, floor/boost)^(e−1). 1 when the board feeds the work at boost.
  package func clockShare(demand: Double, boost: Double) -> Double {
    let budget = board - idle
    guard demand > budget, budget > 0 else { return 1 }
    let share = power(budget / demand, 1 / clockExponent)
    let floor = min(1, voltageFloor / boost)
    return share >= floor ? share : budget / demand / voltageSquared(floor, boost: boost)
  }

  /// Energy of one operation at this share of the boost clock, as a share of its energy at boost.
  package func voltageSquared(_ share: Double, boost: Double) -> Double {
    power(max(share, min(1, voltageFloor / boost)), clockExponent - 1)
  }
}
