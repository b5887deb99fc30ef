internal import Basic
internal import Results

/// Every kernel as a dot: operations per byte against operations per second, under the ceilings of the machine.
package enum RooflineReport: PlotReport {
  package static let name = "roofline"
  package static let summary = "arithmetic intensity and rate of every kernel under the machine's ceilings"

  private static let left = 90.0

  private struct Dot {
    var kernel: KernelResult
    var intensity: Double
    var rate: Double
    var share: Double
    /// The level whose bytes count; another than the axis names for kernels whose data never leaves the chip.
    var level: String
  }

  static func obstacle(_ result: RunResult) -> Failure? {
    guard dots(result, level(result)).isEmpty else { return nil }
    return Failure(
      "no kernel both computes and moves bytes through a memory: there is no roofline to draw",
      fix: "stages of a pipeline stream their operands; explain --bottlenecks and the view gantt show what limits them")
  }

  static func draw(_ result: RunResult) -> Drawing {
    var drawing = Drawing(title: "Roofline of \(result.model.name)", width: 1100, height: 720)
    var top = drawing.addHeading(result, "Roofline")
    let level = level(result)
    let dots = dots(result, level)
    let roof = result.roofline
    guard let peak = ((roof?.compute.map(\.rate) ?? []) + dots.map(\.rate)).max() else { return drawing }
    let bounds = Bound.allCases.filter { bound in dots.contains { $0.kernel.bound == bound } }
    top +=
      drawing.addKey("bound by:", bounds.map { ($0.label, .filled(Palette.colour(of: $0))) }, at: .init(16, top)) + 10
    let bandwidth = roof?.memory.first { $0.name == level }?.rate ?? roof?.memory.first?.rate
    let ridge = bandwidth.map { peak / $0 } ?? 1
    let intensities = dots.map(\.intensity)
    let bottom = drawing.height - 60
    let horizontal = Axis(
      .logarithmic, from: min(0.1, (intensities.min() ?? 1) / 2), to: max(ridge * 8, (intensities.max() ?? 1) * 2),
      at: left, drawing.width - 30)
    let vertical = Axis(
      .logarithmic, from: max((dots.map(\.rate).min() ?? 1) / 3, peak * 1e-8), to: peak * 2.5, at: bottom, top)
    drawGrid(&drawing, horizontal, vertical, level)
    let rings = Set(dots.map(\.level)).subtracting([level]).sorted()
    // Dots cover lines but not words: the names of the lines come last.
    let names = roof.map { drawRoof(&drawing, $0, horizontal, vertical, (peak, level, rings)) } ?? []
    for dot in dots.sorted(by: { ($1.share, $0.kernel.id) < ($0.share, $1.kernel.id) }) {
      let at = Drawing.Point(horizontal.position(dot.intensity), vertical.position(dot.rate))
      let radius = min(22, 2.5 + 40 * (dot.share / Double.pi).squareRoot())
      let colour = Palette.colour(of: dot.kernel.bound)
      let paint =
        dot.level == level
        ? Drawing.Paint(fill: colour, stroke: "#FFFFFF", width: 0.8, opacity: 0.75) : Drawing.Paint(stroke: colour, width: 1.6)
      let tooltip =
        "#\(dot.kernel.id) \(dot.kernel.name)\n\(Format.count(dot.rate))FLOP/s at \(Format.fixed(dot.intensity, 1)) FLOP/B of \(dot.level)\n\(dot.kernel.reason)"
      drawing.add(circle: at, radius: radius, paint, .init(tooltip: tooltip, kernel: dot.kernel.id))
    }
    for name in names { drawing.add(overDots: name.text, name.place, name.look) }
    var notes: [String] = []
    let early = dots.count { dot in
      roof?.memory.first { $0.name == dot.level }.map { dot.rate > 1.05 * dot.intensity * $0.rate } ?? false
    }
    if early > 0 { notes.append("\(early) above their roof: some of their bytes came while the kernel before still ran") }
    if !rings.isEmpty {
      notes.append("rings: kernels without \(level) traffic, placed by their bytes of \(rings.joined(separator: " or "))")
    }
    let left = result.kernels.count - dots.count
    if left > 0 { notes.append("\(left) kernels without arithmetic or traffic are not shown") }
    if !notes.isEmpty {
      drawing.add(notes.joined(separator: " · "), .init(16, drawing.height - 10), .init(size: 10, colour: "#555555"))
    }
    return drawing
  }

  /// The outermost level that the machine names, else the level with most traffic.
  private static func level(_ result: RunResult) -> String {
    let named = result.roofline?.memory.first { ceiling in result.kernels.contains { $0.bytes[ceiling.name] != nil } }
    return named?.name ?? result.totals.bytesMoved.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? ""
  }

  private static func dots(_ result: RunResult, _ level: String) -> [Dot] {
    let total = max(result.kernels.reduce(0) { $0 + $1.latencySeconds }, .leastNormalMagnitude)
    let levels = [level] + (result.roofline?.memory.map(\.name) ?? []).filter { $0 != level }
    return result.kernels.compactMap { kernel in
      guard kernel.flops > 0, kernel.latencySeconds > 0, let used = levels.first(where: { kernel.bytes[$0] ?? 0 > 0 }),
        let bytes = kernel.bytes[used]
      else { return nil }
      return Dot(
        kernel: kernel, intensity: Double(kernel.flops) / Double(bytes),
        rate: Double(kernel.flops) / kernel.latencySeconds, share: kernel.latencySeconds / total, level: used)
    }
  }

  private static func drawGrid(_ drawing: inout Drawing, _ horizontal: Axis, _ vertical: Axis, _ level: String) {
    for tick in horizontal.ticks(about: 10) {
      let x = horizontal.position(tick)
      drawing.add([.init(x, vertical.start), .init(x, vertical.end)], .stroked("#E8E8E8", 0.7), .init(role: "rule"))
      drawing.add(short(tick), .init(x, vertical.start + 14), .init(size: 9, anchor: .middle, colour: "#555555"))
    }
    for tick in vertical.ticks(about: 10) {
      let y = vertical.position(tick)
      drawing.add(
        [.init(horizontal.start, y), .init(horizontal.end, y)], .stroked("#E8E8E8", 0.7), .init(role: "rule"))
      drawing.add(
        Format.count(tick) + "FLOP/s", .init(horizontal.start - 6, y + 3),
        .init(size: 9, anchor: .end, colour: "#555555"))
    }
    drawing.add(
      "operations per byte of \(level) (FLOP/B)", .init((horizontal.start + horizontal.end) / 2, vertical.start + 32),
      .init(size: 11, anchor: .middle))
  }

  private struct Name {
    var text: String
    var place: Drawing.Point
    var look: Drawing.TextLook
  }

  /// The lines; returns their names.
  private static func drawRoof(
    _ drawing: inout Drawing, _ roof: Roofline, _ horizontal: Axis, _ vertical: Axis,
    _ scale: (peak: Double, level: String, rings: [String])
  ) -> [Name] {
    var names: [Name] = []
    let peak = scale.peak
    let colours = ["#333333", "#777777", "#999999", "#AAAAAA"]
    // Intensities are operations per byte of one level: roofs of levels of which no dot stands for a byte would say nothing.
    let shown = roof.memory.filter { $0.rate > 0 && ($0.name == scale.level || scale.rings.contains($0.name)) }
    for (index, memory) in shown.enumerated() {
      let from = max(horizontal.lower, vertical.lower / memory.rate)
      let to = min(horizontal.upper, peak / memory.rate)
      guard from < to else { continue }
      let colour = colours[min(index, 3)]
      let start = Drawing.Point(horizontal.position(from), vertical.position(from * memory.rate))
      drawing.add([start, .init(horizontal.position(to), vertical.position(to * memory.rate))], .stroked(colour, 1.4))
      // The slowest level's name goes below its line, the others' above theirs: lines of neighbours are close.
      let isLowest = shown.allSatisfy { $0.rate >= memory.rate }
      let at = from * ((to / from).squareRoot()).squareRoot()
      let place = Drawing.Point(
        horizontal.position(at) + (isLowest ? 10 : -6), vertical.position(at * memory.rate) + (isLowest ? 6 : -4))
      let text = "\(memory.name) \(Format.count(memory.rate))B/s" + (memory.name == scale.level ? "" : " (rings)")
      names.append(Name(text: text, place: place, look: .init(size: 9, anchor: isLowest ? .start : .end, colour: colour)))
    }
    let fastest = shown.map(\.rate).max() ?? peak
    var labelled: [Double] = []
    for compute in roof.compute.sorted(by: { $0.rate > $1.rate }) where compute.rate > vertical.lower {
      let y = vertical.position(compute.rate)
      drawing.add(
        [.init(horizontal.position(compute.rate / max(fastest, 1)), y), .init(horizontal.end, y)],
        .stroked("#333333", 1.4))
      // Two ceilings at nearly the same height: the lower one's name goes below its line.
      let above = labelled.allSatisfy { y - $0 > 14 }
      names.append(
        Name(
          text: "\(compute.name) \(Format.count(compute.rate))FLOP/s", place: .init(horizontal.end, above ? y - 4 : y + 11),
          look: .init(size: 9, anchor: .end, colour: "#333333")))
      labelled.append(y)
    }
    return names
  }

  private static func short(_ value: Double) -> String {
    value >= 1000 ? Format.count(value) : value >= 1 ? Format.fixed(value, 0) : SVGWriter.number(value)
  }
}
