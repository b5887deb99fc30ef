internal import Basic

/// Writes a `Drawing` as SVG without scripts, style sheets or references to other files.
struct SVGWriter {
  private var text = ""

  static func write(_ drawing: Drawing) -> String {
    var writer = SVGWriter()
    writer.begin(drawing)
    for element in drawing.elements { writer.write(element) }
    return writer.text + "</svg>\n"
  }

  private mutating func begin(_ drawing: Drawing) {
    let width = Self.number(drawing.width)
    let height = Self.number(drawing.height)
    text =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height)\" width=\"\(width)\" height=\"\(height)\" font-family=\"DejaVu Sans,Verdana,Helvetica,sans-serif\" role=\"img\">\n"
    text += "<title>\(Markup.escape(drawing.title))</title>\n"
    text += "<rect class=\"paper\" width=\"\(width)\" height=\"\(height)\" fill=\"#FFFFFF\"/>\n"
  }

  private mutating func write(_ element: Drawing.Element) {
    switch element {
    case .rectangle(let box, let paint, let mark):
      shape(
        "rect",
        "x=\"\(Self.number(box.x))\" y=\"\(Self.number(box.y))\" width=\"\(Self.number(max(0, box.width)))\" height=\"\(Self.number(max(0, box.height)))\"",
        paint, mark)
    case .line(let points, let paint, let mark): shape("polyline", "points=\"\(Self.points(points))\"", paint, mark)
    case .polygon(let points, let paint, let mark): shape("polygon", "points=\"\(Self.points(points))\"", paint, mark)
    case .circle(let centre, let radius, let paint, let mark):
      shape(
        "circle", "cx=\"\(Self.number(centre.x))\" cy=\"\(Self.number(centre.y))\" r=\"\(Self.number(radius))\"", paint,
        mark)
    case .text(let string, let at, let look):
      let anchor = look.anchor == .start ? "" : " text-anchor=\"\(look.anchor.rawValue)\""
      let weight = look.isBold ? " font-weight=\"bold\"" : ""
      text +=
        "<text x=\"\(Self.number(at.x))\" y=\"\(Self.number(at.y))\" font-size=\"\(Self.number(look.size))\" fill=\"\(look.colour)\"\(anchor)\(weight)>\(Markup.escape(string))</text>\n"
    }
  }

  private mutating func shape(_ name: String, _ geometry: String, _ paint: Drawing.Paint, _ mark: Drawing.Mark) {
    text += "<\(name) \(geometry) fill=\"\(paint.fill ?? "none")\""
    if let stroke = paint.stroke { text += " stroke=\"\(stroke)\" stroke-width=\"\(Self.number(paint.width))\"" }
    if paint.isDashed { text += " stroke-dasharray=\"5 3\"" }
    if paint.opacity < 1 { text += " fill-opacity=\"\(Self.number(paint.opacity))\"" }
    if let role = mark.role { text += " class=\"\(role)\"" }
    if let kernel = mark.kernel { text += " data-kernel=\"\(kernel)\"" }
    if let tooltip = mark.tooltip {
      text += "><title>\(Markup.escape(tooltip))</title></\(name)>\n"
    } else {
      text += "/>\n"
    }
  }

  private static func points(_ points: [Drawing.Point]) -> String {
    points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
  }

  /// Two digits after the point at most, none that are zero.
  static func number(_ value: Double) -> String {
    var text = Format.fixed(value, 2)
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text.isEmpty ? "0" : text
  }
}
