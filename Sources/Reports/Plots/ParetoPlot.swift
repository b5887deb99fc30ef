internal import Basic

/// Several results as points of two measures, with the front of those that no other beats in both.
package struct ParetoPlot: Sendable {
  package struct Measure: Sendable {
    package enum Direction: Sendable { case lowerIsBetter, higherIsBetter }
    package enum Quantity: Sendable { case seconds, share, joules, bytes, count }

    package var name: String
    package var quantity: Quantity
    package var direction: Direction

    package init(_ name: String, _ quantity: Quantity, _ direction: Direction) {
      self.name = name
      self.quantity = quantity
      self.direction = direction
    }
  }

  package struct Point: Sendable {
    package var name: String
    /// Points of one series share a colour: a target, a recipe family.
    package var series: String
    package var x: Double
    package var y: Double

    package init(name: String, series: String, x: Double, y: Double) {
      self.name = name
      self.series = series
      self.x = x
      self.y = y
    }
  }

  package var title: String
  package var horizontal: Measure
  package var vertical: Measure
  package var points: [Point]

  package init(title: String, horizontal: Measure, vertical: Measure, points: [Point]) {
    self.title = title
    self.horizontal = horizontal
    self.vertical = vertical
    self.points = points
  }

  /// Indices of the points that no other point beats in both measures, best x first.
  package var front: [Int] {
    let usable = points.indices.filter { points[$0].x.isFinite && points[$0].y.isFinite }
    let order = usable.sorted {
      (cost(points[$0].x, horizontal), cost(points[$0].y, vertical), $0) < (
        cost(points[$1].x, horizontal), cost(points[$1].y, vertical), $1
      )
    }
    var best = Double.infinity
    return order.filter { index in
      let value = cost(points[index].y, vertical)
      guard value < best else { return false }
      best = value
      return true
    }
  }

  /// The plot as SVG.
  package func svg() -> String { SVGWriter.write(draw()) }

  private func cost(_ value: Double, _ measure: Measure) -> Double {
    measure.direction == .lowerIsBetter ? value : -value
  }

  private static let seriesColours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]

  func draw() -> Drawing {
    var drawing = Drawing(title: title, width: 1000, height: 640)
    drawing.add(title, .init(16, 24), within: 960, .init(size: 14, isBold: true))
    let usable = points.filter { $0.x.isFinite && $0.y.isFinite }
    guard !usable.isEmpty else {
      drawing.add("there is no point to draw", .init(16, 60))
      return drawing
    }
    var series: [String] = []
    for point in usable where !series.contains(point.series) { series.append(point.series) }
    let colours = Dictionary(
      uniqueKeysWithValues: series.enumerated().map { ($1, Self.seriesColours[$0 % Self.seriesColours.count]) })
    var top = 40.0
    top += drawing.addKey("", series.map { ($0, .filled(colours[$0] ?? "#000000")) }, at: .init(16, top)) + 26
    let x = axis(usable.map(\.x), 100, 940)
    let y = axis(usable.map(\.y), 570, top)
    drawGrid(&drawing, x, y)
    drawFront(&drawing, x, y)
    var taken: [Drawing.Box] = []
    let onFront = Set(front)
    for (index, point) in points.enumerated() where point.x.isFinite && point.y.isFinite {
      let at = Drawing.Point(x.position(point.x), y.position(point.y))
      let tooltip = "\(point.name)\n\(text(point.x, horizontal)), \(text(point.y, vertical))"
      drawing.add(
        circle: at, radius: onFront.contains(index) ? 5.5 : 3.5,
        .init(fill: colours[point.series], stroke: "#FFFFFF", width: 0.8), .init(tooltip: tooltip))
    }
    let rest = points.count <= 30 ? points.indices.filter { !onFront.contains($0) } : []
    for index in front + rest where points[index].x.isFinite && points[index].y.isFinite {
      label(&drawing, points[index].name, .init(x.position(points[index].x), y.position(points[index].y)), &taken)
    }
    return drawing
  }

  private func axis(_ values: [Double], _ start: Double, _ end: Double) -> Axis {
    let low = values.min() ?? 0
    let high = values.max() ?? 1
    let margin = max((high - low) * 0.08, max(high.magnitude, 1e-12) * 0.01)
    return Axis(.linear, from: low - margin, to: high + margin, at: start, end)
  }

  private func drawGrid(_ drawing: inout Drawing, _ x: Axis, _ y: Axis) {
    for tick in x.ticks(about: 8) {
      drawing.add(
        [.init(x.position(tick), y.start), .init(x.position(tick), y.end)], .stroked("#E8E8E8", 0.7),
        .init(role: "rule"))
      drawing.add(
        text(tick, horizontal), .init(x.position(tick), y.start + 15),
        .init(size: 9, anchor: .middle, colour: "#555555"))
    }
    for tick in y.ticks(about: 8) {
      drawing.add(
        [.init(x.start, y.position(tick)), .init(x.end, y.position(tick))], .stroked("#E8E8E8", 0.7),
        .init(role: "rule"))
      drawing.add(
        text(tick, vertical), .init(x.start - 6, y.position(tick) + 3), .init(size: 9, anchor: .end, colour: "#555555"))
    }
    drawing.add(
      "\(horizontal.name) (\(horizontal.hint))", .init((x.start + x.end) / 2, y.start + 38), .init(anchor: .middle))
    drawing.add("\(vertical.name) (\(vertical.hint))", .init(16, y.end - 8))
  }

  private func drawFront(_ drawing: inout Drawing, _ x: Axis, _ y: Axis) {
    var steps: [Drawing.Point] = []
    for index in front {
      let next = Drawing.Point(x.position(points[index].x), y.position(points[index].y))
      if let last = steps.last { steps.append(.init(next.x, last.y)) }
      steps.append(next)
    }
    if steps.count > 1 { drawing.add(steps, .init(fill: nil, stroke: "#888888", width: 1.2, isDashed: true)) }
  }

  /// Places a name beside its point where no other name stands; leaves it to the tooltip when there is no room.
  private func label(_ drawing: inout Drawing, _ name: String, _ at: Drawing.Point, _ taken: inout [Drawing.Box]) {
    guard let shown = TextMetrics.fit(name, width: 220, size: 10) else { return }
    let width = TextMetrics.width(shown, size: 10)
    let places = [(8.0, -6.0), (8, 12), (-8 - width, -6), (-8 - width, 12)]
    for (dx, dy) in places {
      let box = Drawing.Box(at.x + dx, at.y + dy - 9, width, 12)
      let isInside = box.x >= 4 && box.x + box.width <= drawing.width - 4
      let isFree = taken.allSatisfy {
        $0.x + $0.width < box.x || box.x + box.width < $0.x || $0.y + $0.height < box.y || box.y + box.height < $0.y
      }
      guard isInside, isFree else { continue }
      taken.append(box)
      drawing.add(shown, .init(box.x, at.y + dy), .init(size: 10))
      return
    }
  }

  private func text(_ value: Double, _ measure: Measure) -> String {
    switch measure.quantity {
    case .seconds: Format.seconds(value)
    case .share: Format.percent(value)
    case .joules: Format.joules(value)
    case .bytes: Format.bytes(value)
    case .count: Format.count(value)
    }
  }
}

extension ParetoPlot.Measure {
  fileprivate var hint: String { direction == .lowerIsBetter ? "lower is better" : "higher is better" }
}
