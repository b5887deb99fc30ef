internal import Basic
internal import Results

extension GEMMEstimate.Limit {
  /// The level a report colours the kernel by.
  var bound: Bound {
    switch self {
    case .issue, .vector: .compute
    case .sharedMemory: .feed
    case .l2: .cache
    case .deviceMemory, .store: .memory
    case .latency: .dependency
    case .launch: .launch
    }
  }
}

extension GEMMEstimate {
  /// The level a report colours the kernel by; of what stands around a short main loop, the part that is more than half of it.
  func bound(_ choice: GEMMPathChoice) -> Bound {
    guard limit == .launch else { return limit.bound }
    let half = (seconds - mainLoop) / 2
    return prelude - choice.path.lead > half ? .quantization : reduction > half ? .reduction : .launch
  }

  /// One sentence: what binds, with the figures.
  func reason(_ choice: GEMMPathChoice, _ gpu: GPUDescription) -> String {
    let grid = "\(Format.count(blocks)) blocks on \(Format.count(slots)) slots (\(Format.fixed(waves, 2)) waves)"
    switch limit {
    case .issue:
      let share = choice.shape.macs / (choice.path.instruction.rate * Double(gpu.smCount) * gpu.boostClock * seconds)
      let clock = clockShare < 0.98 ? ", clock held at \(Format.percent(clockShare)) by board power" : ""
      return "\(choice.path.instruction.name) issue at \(Format.percent(share)) of peak, \(grid)\(clock)"
    case .sharedMemory: return "\(Format.bytes(sharedBytes)) of operands pass shared memory, \(grid)"
    case .l2: return "\(Format.bytes(l2Bytes)) of operands pass the L2, \(grid)"
    case .deviceMemory:
      return "\(Format.bytes(deviceBytes)) pass device memory at \(Format.bytes(deviceBytes / seconds))/s, \(grid)"
    case .latency: return "each block waits for its loads: \(grid) keep too few bytes on the way"
    case .store:
      return
        "writing the result takes \(Format.seconds(epilogue)) beside \(Format.seconds(mainLoop)) of main loop, \(grid)"
    case .launch where bound(choice) == .quantization:
      let remedy = choice.shape.isDynamic ? "; scales fixed before the run (fp8-static, int8) would save it" : ""
      return
        "quantising the activations takes \(Format.seconds(prelude - choice.path.lead)) before \(Format.seconds(mainLoop)) of main loop, \(grid)\(remedy)"
    case .launch where bound(choice) == .reduction:
      return "adding up \(split) partial sums takes \(Format.seconds(reduction)) after \(Format.seconds(mainLoop)) of main loop, \(grid)"
    case .launch:
      return
        "launch, fill and epilogue take \(Format.seconds(seconds - mainLoop)) around \(Format.seconds(mainLoop)) of main loop, \(grid)"
    case .vector: return "\(Format.count(choice.shape.macs)) multiply-adds on the ordinary cores"
    }
  }
}
