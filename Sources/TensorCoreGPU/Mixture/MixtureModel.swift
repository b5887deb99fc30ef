internal import Basic
internal import Results

/// Time of a mixture-of-experts layer: weights of the touched experts bind few tokens, products and row traffic many.
package struct MixtureModel: Sendable {
  package var device: DeviceRates
  package var software: MixtureSoftware
  /// Board power holds the clock down, as in a program. Not so in timings of single layers: a few runs on weights nobody filled.
  package var feelsPower: Bool

  package init(device: DeviceRates, software: MixtureSoftware, feelsPower: Bool = true) {
    self.device = device
    self.software = software
    self.feelsPower = feelsPower
  }

  package func estimate(_ shape: MixtureShape) -> KernelEstimate {
    let draws = shape.routing.loads()
    var parts = Parts()
    for draw in draws { parts.add(self.parts(shape, draw), share: 1 / Double(draws.count)) }
    let routing = shape.routing
    let problem = shape.isBlockScaled ? software.blockScaledProblemPerExpert : software.problemPerExpert
    let launch = shape.isBlockScaled ? software.blockScaledLaunch : software.launch
    let route = Double(routing.tokens) * software.routePerToken + Double(routing.experts) * software.routePerExpert
    let body = parts.products + parts.rows + route + Double(routing.local) * problem
    let isMemory = parts.weights > body / 2 || parts.rows > body / 2
    let bytes = parts.weights * device.memoryRate * software.weightEfficiency
    let touched = draws.first?.touched ?? 0
    return KernelEstimate(
      seconds: launch + body, floorSeconds: parts.floor,
      bound: body < launch ? .launch : isMemory ? .memory : .compute,
      reason:
        "\(touched) experts with \(Format.bytes(bytes)) of weights; products take \(Format.seconds(parts.products)), "
        + "moving rows \(Format.seconds(parts.rows))",
      choice: software.name, memoryBytes: bytes)
  }

  struct Parts {
    var products = 0.0
    var weights = 0.0
    var rows = 0.0
    var floor = 0.0

    mutating func add(_ other: Parts, share: Double) {
      products += other.products * share
      weights += other.weights * share
      rows += other.rows * share
      floor += other.floor * share
    }
  }

  private func parts(_ shape: MixtureShape, _ loads: ExpertLoads) -> Parts {
    var sum = Parts()
    sum.add(grouped(shape, loads, columns: shape.firstColumns, depth: shape.hidden), share: 1)
    sum.add(grouped(shape, loads, columns: shape.hidden, depth: shape.inner), share: 1)
    sum.rows = rowBytes(shape, loads) / (device.memoryRate * software.rowEfficiency)
    return sum
  }

  /// Rows gathered into expert order (and quantised), the activation between the products, the weighted sum back to tokens.
  private func rowBytes(_ shape: MixtureShape, _ loads: ExpertLoads) -> Double {
    let pairs = Double(loads.total)
    let tokens = Double(shape.routing.tokens)
    let hidden = Double(shape.hidden)
    let activation = Double(shape.activationBits) / 8
    let quantise = shape.activationBits < 16 ? tokens * hidden * (2 + activation) : 0
    let gather = pairs * hidden * (2 + activation)
    let middle = pairs * (Double(shape.firstColumns) * 2 + Double(shape.inner) * activation)
    return quantise + gather + middle + (pairs + tokens) * hidden * 2
  }

  /// A grouped product: every touched expert's rows in whole tiles, in waves over the SMs, or its weights once from memory.
  func grouped(_ shape: MixtureShape, _ loads: ExpertLoads, columns: Int, depth: Int) -> Parts {
    let weightBytes = Double(loads.touched) * Double(columns) * Double(depth) * shape.weightBits / 8
    let pairs = Double(loads.total)
    let moved = weightBytes + pairs * (Double(depth * shape.activationBits) / 8 + Double(columns) * 2)
    let memory = device.memoryRate * software.weightEfficiency
    let work = pairs * Double(columns) * Double(depth) / (matrixRate(shape) * Double(device.smCount))
    var parts = Parts()
    parts.weights = weightBytes / memory
    var tiles = tiled(shape, loads, columns: columns, depth: depth)
    if feelsPower {
      let energy = isEight(shape) ? device.matrixEnergy8 : device.matrixEnergy16
      tiles = device.underPower(tiles, multiplyAdds: pairs * Double(columns) * Double(depth), energy: energy, bytes: moved)
    }
    let stream = moved / memory
    parts.products = max(tiles, stream) + software.exposedShare * min(tiles, stream)
    parts.floor = max(work, moved / max(device.memoryRate, device.cacheRate))
    return parts
  }

  /// Seconds of the best tile of the library, as its autotuner would find by timing.
  private func tiled(_ shape: MixtureShape, _ loads: ExpertLoads, columns: Int, depth: Int) -> Double {
    let share = shape.isBlockScaled ? software.blockScaledIssueShare : software.issueShare
    let padded = Double((depth + Self.stepDepth - 1) / Self.stepDepth * Self.stepDepth)
    var best = Double.infinity
    for tile in software.tiles {
      let rows = loads.tokens.reduce(0) { $0 + ($1 + tile.rows - 1) / tile.rows }
      let waves = Double(rows * ((columns + tile.columns - 1) / tile.columns)) / Double(device.smCount)
      let area = Double(tile.rows * tile.columns)
      let reached = share * min(1, power(area / Self.fullArea, software.areaExponent))
      let seconds = area * padded / (matrixRate(shape) * reached) + software.tileOverhead
      best = min(best, Waves.time(waves, whole: software.wholeWaves) * seconds)
    }
    return best
  }

  /// Elements of the reduction axis in one main-loop step of the library's grouped kernels.
  private static let stepDepth = 64
  /// Rows times columns of the tile whose issue share the target states.
  private static let fullArea = 128.0 * 128.0

  private func isEight(_ shape: MixtureShape) -> Bool { shape.activationBits <= 8 && device.matrixRate8 > 0 }

  /// Multiply-adds per second of one SM in the format of the activations.
  private func matrixRate(_ shape: MixtureShape) -> Double {
    max(isEight(shape) ? device.matrixRate8 : device.matrixRate16, 1) * device.clock
  }
}
