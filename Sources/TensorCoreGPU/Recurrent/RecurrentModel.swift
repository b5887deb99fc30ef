internal import Basic
internal import IR
internal import Results

/// Time of a recurrent layer: the input is multiplied once for all steps, the state step by step.
///
/// A persistent kernel keeps the recurrent weights in registers and shared memory and pays a grid barrier and the state's way
/// through the L2 per step; where they do not fit, every step starts a product and a kernel for the gates. Whichever of the two
/// is possible and faster is taken, as the library's own heuristic does.
struct RecurrentModel {
  let gpu: GPUDescription
  let software: RecurrentSoftware
  let contractions: ContractionModel
  let streaming: StreamingCosting

  /// The parts of a recurrent loop: W·x, R·h and the gates.
  struct Layer {
    var input: Contraction
    var state: Contraction
    var gates: Computation
    var steps: Int
    var directions: Int

    /// Nil when the loop is not of this form: two products by constant weights, the second of the state the gates write.
    init?(_ loop: Loop) {
      guard loop.body.count == 3, loop.tripCount > 0, case .contraction(let input) = loop.body[0],
        case .contraction(let state) = loop.body[1], case .pointwise(let gates) = loop.body[2],
        input.rhs.isConstant, state.rhs.isConstant, input.n == state.n, input.m == state.m,
        state.m * state.k == gates.count
      else { return nil }
      (self.input, self.state, self.gates) = (input, state, loop.body[2])
      steps = loop.tripCount
      directions = max(1, loop.parallel)
    }
  }

  func estimate(_ layer: Layer) throws(Failure) -> ContractionEstimate {
    let input = try contractions.estimate(layer.allInputs, reuseBytes: .infinity)
    let steps = try perStep(layer)
    var part = steps
    if let persistent = persistent(layer), persistent.seconds < steps.seconds { part = persistent }
    let directions = Double(layer.directions)
    part.seconds += input.seconds * directions
    part.floorSeconds = min(part.seconds, part.floorSeconds + input.floorSeconds * directions)
    part.energy += input.energy * directions
    for (level, moved) in input.bytes { part.bytes[level, default: 0] += moved * directions }
    part.figures["input product"] = input.seconds * directions
    part.format = input.format
    return part
  }

  /// A product and a gate kernel per step; directions run side by side while their blocks fit the chip.
  private func perStep(_ layer: Layer) throws(Failure) -> ContractionEstimate {
    let weights = Double(layer.state.rhs.bytes)
    let product = try contractions.estimate(layer.state, reuseBytes: weights * Double(layer.directions))
    let gates = try streaming.estimate(layer.gates)
    let blocks = product.figures["blocks"] ?? Double(gpu.smCount)
    let rounds = (Double(layer.directions) * blocks / Double(gpu.smCount)).rounded(.up)
    let serial = min(Double(layer.directions), max(1, rounds))
    let steps = Double(layer.steps)
    let work = steps * Double(layer.directions)
    var bytes = product.bytes.mapValues { $0 * work }
    for (level, moved) in gates.bytes { bytes[level, default: 0] += moved * work }
    return ContractionEstimate(
      seconds: steps * serial * (product.seconds + gates.seconds),
      floorSeconds: work * product.floorSeconds, bound: .dependency,
      reason:
        "\(layer.steps) steps depend on each other: \(Format.seconds(product.seconds)) of product and \(Format.seconds(gates.seconds)) of gates each",
      choice: "\(software.name): a product and a gate kernel per step", format: "", bytes: bytes,
      energy: work * (product.energy + gates.energy), figures: ["step": serial * (product.seconds + gates.seconds)], notes: [])
  }

  /// One kernel for all steps; nil when the weights do not stay on the chip.
  private func persistent(_ layer: Layer) -> ContractionEstimate? {
    let held = Double(layer.state.rhs.bytes * layer.directions)
    let room = (gpu.sm.registers * 4 + gpu.sm.sharedMemory) * Double(gpu.smCount) * software.residentShare
    guard held <= room else { return nil }
    let state = Double(layer.state.lhs.bytes * layer.directions)
    // Every SM reads the whole state of the step before, and the weights that are not in its registers.
    let feed = state / gpu.sm.l2Port + held * software.fedShare / Double(gpu.smCount) / gpu.sm.sharedMemoryBandwidth
    let macs = Double(layer.state.macs * layer.directions)
    let compute = macs / (rate(layer) * Double(gpu.smCount))
    let step = software.barrier + (feed + compute) / gpu.boostClock
    let seconds = gpu.launch.graph + Double(layer.steps) * step
    let exchanged = state * 2 * Double(layer.steps)
    return ContractionEstimate(
      seconds: seconds, floorSeconds: Double(layer.steps) * compute / gpu.boostClock, bound: .dependency,
      reason: "\(layer.steps) steps of \(Format.seconds(step)), \(Format.seconds(software.barrier)) of them waiting for all SMs",
      choice: "\(software.name): persistent kernel, \(Format.bytes(held)) of weights stay on the chip", format: "",
      bytes: ["dram": held, "l2": held + exchanged * Double(gpu.smCount)],
      energy: gpu.energy(
        memoryBytes: held, arithmetic: macs * Double(layer.steps) * gpu.energyPerMultiply(layer.state.lhs.storage), seconds: seconds),
      figures: ["step": step], notes: [])
  }

  /// Multiply-adds per clock and SM: the matrix unit takes eight rows at least (as its columns), the ordinary cores fewer.
  private func rate(_ layer: Layer) -> Double {
    let format = layer.state.lhs.storage
    let cores = format.bits > 16 ? gpu.sm.fp32Lanes : gpu.sm.fp16Lanes
    return Double(layer.state.m) < MatrixInstruction.leastColumns ? cores : max(cores, gpu.fastestInstruction(for: format)?.rate ?? 0)
  }
}

extension RecurrentModel.Layer {
  /// The input products of all steps as one.
  fileprivate var allInputs: Contraction {
    var all = input
    all.m *= steps
    all.lhs.count *= steps
    all.output.count *= steps
    return all
  }
}
