/// A fully unrolled dense kernel that is pipelined with an interval of `reuse` cycles.
///
///     limit    = ceil(inputs·outputs / reuse) - floor(zeros / reuse)
///     DSP      = min(hard products, limit)
///     latency  = max(tree depth, ceil(hard products / limit) + shared)    (the second only when products share)
///     interval = min(reuse, latency + 1)
///
/// Source: hls4ml `nnet_dense_latency.h` (allocation limit) and published Vitis HLS reports of pruned 8-bit networks.
package struct LatencyKernel: Sendable, Hashable {
  package var limit: Int
  package var multipliers: Int
  package var latency: Int
  package var interval: Int

  package init(
    inputs: Int, outputs: Int, reuse: Int, weights: WeightStatistics, usesBlocks: Bool, period: Double,
    timing: ImplementationProfile.KernelTiming
  ) {
    let reuse = max(1, reuse)
    limit = max(1, (inputs * outputs + reuse - 1) / reuse - weights.zeros / reuse)
    multipliers = min(weights.hardProducts, limit)
    let isFast = period < timing.relaxedPeriod
    let extra = isFast && usesBlocks ? timing.fastMultiplier : 0
    var depth: Int
    if inputs > timing.balancedInputs {
      depth = Int(((Double(inputs) - timing.serialOffset) / timing.serialRate).rounded())
    } else {
      depth = Self.treeLevels(inputs) + (isFast ? timing.fast + extra : timing.relaxed)
    }
    depth = max(1, depth)
    let turns = (weights.hardProducts + limit - 1) / limit
    if turns > 1 {
      let tail = limit == 1 ? (usesBlocks ? timing.singleBlock : timing.single) : timing.shared + extra
      depth = max(depth, turns + tail)
    }
    latency = depth
    interval = min(reuse, depth + 1)
  }

  /// ceil(log2(inputs)): levels of a balanced adder tree.
  package static func treeLevels(_ inputs: Int) -> Int {
    inputs <= 1 ? 0 : Int.bitWidth - (inputs - 1).leadingZeroBitCount
  }
}
