internal import Basic
internal import IR
internal import Lowering
internal import Results

/// A framework that calls one operation after the other: the host puts kernels into a queue, the GPU works it off.
///
/// Kernel i starts at max(end of kernel i - 1, Σ host time of calls 0 … i): a model of long kernels runs as from a graph, one
/// of short kernels as fast as the host can call. Host times are those of the target's `<launch>` and `<host>` rows.
struct HostQueue {
  private let gpu: GPUDescription

  init(_ gpu: GPUDescription) { self.gpu = gpu }

  /// Sets starts and latencies of `results`, which hold kernel times, and gives the host's total.
  func schedule(_ results: inout [KernelResult], of kernels: [Kernel]) throws(Failure) -> Double {
    var host = 0.0
    var end = 0.0
    for (index, kernel) in zip(results.indices, kernels) {
      let duration = results[index].latencySeconds
      guard duration > 0 else {
        results[index].startSeconds = end
        continue
      }
      let call = seconds(of: kernel.anchorComputation)
      host += call
      let wait = max(0, host - end)
      results[index].startSeconds = end
      results[index].latencySeconds = wait + duration
      results[index].cycles = try gpu.cycles(results[index].latencySeconds)
      if let energy = results[index].energyJoules { results[index].energyJoules = energy + gpu.power.idle * wait }
      results[index].figures["host call (s)"] = call
      results[index].figures["wait for host (s)"] = wait
      if wait > duration {
        results[index].bound = .host
        results[index].reason = "the host takes \(Format.seconds(call)) for the call, the kernel \(Format.seconds(duration))"
      }
      end += wait + duration
    }
    return host
  }

  /// Host time from one call to the next.
  private func seconds(of computation: Computation) -> Double {
    switch computation {
    case .contraction, .loop, .opaque: gpu.launch.eager
    case .pointwise(let pointwise) where pointwise.hasStatistics: call(.normalization)
    case .attention, .pointwise, .movement: call(.tensors)
    case .reduction(let reduction):
      switch reduction.kind {
      case .softmax: call(.softmax)
      case .normalization: call(.normalization)
      case .sum, .mean, .maximum, .minimum, .product, .argument, .scan, .sort: call(.tensors)
      }
    }
  }

  private func call(_ operation: HostOperation) -> Double {
    gpu.streaming?.host[operation]?.toKernel ?? gpu.launch.eager
  }
}
