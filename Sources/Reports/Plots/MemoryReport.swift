internal import Basic
internal import Results

/// Bytes in use over time, a panel per memory level, with its capacity and the kernel at the peak.
package enum MemoryReport: PlotReport {
  package static let name = "memory"
  package static let summary = "occupancy of every memory level over time"

  private static let left = 90.0
  private static let right = 20.0
  private static let panelHeight = 170.0

  static func obstacle(_ result: RunResult) -> Failure? {
    guard result.timeline.occupancy.allSatisfy(\.value.isEmpty) else { return nil }
    return Failure(
      "the result has no occupancy of memories over time: \(result.target.name) reports none",
      fix: "the view text has its resources, and gantt and schedule what runs when")
  }

  static func draw(_ result: RunResult) -> Drawing {
    let levels = result.timeline.occupancy.filter { !$0.value.isEmpty }.keys.sorted()
    var drawing = Drawing(
      title: "Memory of \(result.model.name)", width: 1200, height: 90 + Double(max(1, levels.count)) * panelHeight)
    var y = drawing.addHeading(result, "Memory in use")
    for level in levels {
      drawPanel(&drawing, result, level, y)
      y += panelHeight
    }
    return drawing
  }

  private static func drawPanel(_ drawing: inout Drawing, _ result: RunResult, _ level: String, _ top: Double) {
    let steps = (result.timeline.occupancy[level] ?? []).filter { $0.count == 2 }.sorted { $0[0] < $1[0] }
    guard let peak = steps.max(by: { $0[1] < $1[1] }), let last = steps.last else { return }
    let capacity = result.timeline.capacity[level]
    let cycles = max(result.totals.cycles, last[0], 1)
    let horizontal = Axis(.linear, from: 0, to: result.totals.latencySeconds, at: left, drawing.width - right)
    // A capacity far above the peak would flatten the curve: the title tells it.
    let isNear = capacity.map { $0 / 4 <= peak[1] } ?? false
    let ceiling = Double(max(peak[1], isNear ? capacity ?? 0 : 0, 1)) * 1.12
    let vertical = Axis(.linear, from: 0, to: ceiling, at: top + panelHeight - 40, top + 26)
    let x = { (cycle: Int) in horizontal.position(Double(cycle) / Double(cycles) * result.totals.latencySeconds) }
    drawGrid(&drawing, horizontal, vertical)
    var outline: [Drawing.Point] = [.init(x(steps[0][0]), vertical.start)]
    for (index, step) in thinned(steps).enumerated() {
      if index > 0, let previous = outline.last { outline.append(.init(x(step[0]), previous.y)) }
      outline.append(.init(x(step[0]), vertical.position(Double(step[1]))))
    }
    outline.append(.init(x(cycles), outline.last?.y ?? vertical.start))
    outline.append(.init(x(cycles), vertical.start))
    drawing.add(polygon: outline, .init(fill: "#B5D3EE", stroke: "#0072B2"), .init(tooltip: level))
    var title = "\(level): peak \(Format.bytes(Double(peak[1])))"
    if let capacity {
      title += " of \(Format.bytes(Double(capacity))) (\(Format.percent(Double(peak[1]) / Double(max(1, capacity)))))"
    }
    if let kernel = kernel(at: Double(peak[0]) / Double(cycles) * result.totals.latencySeconds, result) {
      title += ", in #\(kernel.id) \(kernel.name)"
    }
    drawing.add(title, .init(16, top + 14), within: drawing.width - 32, .init(size: 11, isBold: true))
    drawing.add(
      circle: .init(x(peak[0]), vertical.position(Double(peak[1]))), radius: 3.5, .filled("#D55E00"),
      .init(tooltip: "peak"))
    guard let capacity, Double(capacity) <= ceiling else { return }
    let y = vertical.position(Double(capacity))
    drawing.add(
      [.init(left, y), .init(horizontal.end, y)], .init(fill: nil, stroke: "#D55E00", width: 1.2, isDashed: true))
    drawing.add("capacity", .init(horizontal.end, y - 3), .init(size: 9, anchor: .end, colour: "#A34700"))
  }

  private static func drawGrid(_ drawing: inout Drawing, _ horizontal: Axis, _ vertical: Axis) {
    for tick in vertical.ticks(about: 4, unit: unit(vertical.upper)) {
      let y = vertical.position(tick)
      drawing.add(
        [.init(horizontal.start, y), .init(horizontal.end, y)], .stroked("#E4E4E4", 0.7), .init(role: "rule"))
      drawing.add(
        Format.bytes(tick), .init(horizontal.start - 6, y + 3), .init(size: 9, anchor: .end, colour: "#555555"))
    }
    for tick in horizontal.ticks(about: 8) {
      drawing.add(
        Format.seconds(tick), .init(min(horizontal.position(tick), horizontal.end - 20), vertical.start + 13),
        .init(size: 9, anchor: .middle, colour: "#555555"))
    }
  }

  /// The binary prefix in which the values are counted.
  private static func unit(_ bytes: Double) -> Double {
    var unit = 1.0
    while bytes / unit >= 1024 { unit *= 1024 }
    return unit
  }

  /// At most 4,000 steps, the largest of each stretch kept: a peak may not vanish.
  private static func thinned(_ steps: [[Int]]) -> [[Int]] {
    let stretch = (steps.count + 3999) / 4000
    guard stretch > 1 else { return steps }
    return stride(from: 0, to: steps.count, by: stretch).map { start in
      let part = steps[start..<min(start + stretch, steps.count)]
      return [steps[start][0], part.map { $0[1] }.max() ?? 0]
    }
  }

  private static func kernel(at time: Double, _ result: RunResult) -> KernelResult? {
    result.kernels.filter { $0.startSeconds <= time && time < $0.startSeconds + $0.latencySeconds }.max {
      $0.latencySeconds < $1.latencySeconds
    }
  }
}
