internal import Basic

/// Writes a `Drawing` as a DOT graph that is nothing but a background, so that Graphviz can make it PNG or PDF.
enum XDotWriter {
  static func write(_ drawing: Drawing) -> String {
    let width = drawing.width
    let height = drawing.height
    var operations = ""
    for element in drawing.elements { operations += write(element, height) }
    let corner = "shape=point width=0.01 height=0.01 style=invis"
    return """
      graph drawing {
        graph [charset="UTF-8" bgcolor="#FFFFFF" pad=0 margin=0 notranslate=true bb="0,0,\(number(width)),\(number(height))" _background=\(Markup.quoted(operations))];
        a [\(corner) pos="0,0"]; b [\(corner) pos="\(number(width)),\(number(height))"];
      }

      """
  }

  private static func write(_ element: Drawing.Element, _ height: Double) -> String {
    switch element {
    case .rectangle(let box, let paint, _):
      let corners = [(0.0, 0.0), (1, 0), (1, 1), (0, 1)].map {
        Drawing.Point(box.x + $0.0 * box.width, box.y + $0.1 * box.height)
      }
      return polygon(corners, paint, height)
    case .polygon(let points, let paint, _): return polygon(points, paint, height)
    case .line(let points, let paint, _):
      return style(paint) + colour("c", paint.stroke) + "L \(coordinates(points, height)) "
    case .circle(let centre, let radius, let paint, _):
      let shape = "\(number(centre.x)) \(number(height - centre.y)) \(number(radius)) \(number(radius)) "
      return style(paint) + colour("c", paint.stroke ?? paint.fill) + colour("C", paint.fill)
        + (paint.fill == nil ? "e " : "E ") + shape
    case .text(let text, let at, let look): return write(text, at, look, height)
    }
  }

  private static func polygon(_ points: [Drawing.Point], _ paint: Drawing.Paint, _ height: Double) -> String {
    // A filled polygon is always outlined too: without a stroke in its own colour, hair-thin.
    style(paint.stroke == nil ? Drawing.Paint(fill: paint.fill, stroke: nil, width: 0.1) : paint)
      + colour("c", paint.stroke ?? paint.fill) + colour("C", paint.fill)
      + "\(paint.fill == nil ? "p" : "P") \(coordinates(points, height)) "
  }

  private static func write(_ text: String, _ at: Drawing.Point, _ look: Drawing.TextLook, _ height: Double) -> String {
    let visible = text.printable
    let width = TextMetrics.width(visible, size: look.size, isBold: look.isBold)
    let align = look.anchor == .start ? -1 : look.anchor == .middle ? 0 : 1
    return colour("c", look.colour) + "F \(number(look.size)) \(string("DejaVu Sans")) t \(look.isBold ? 1 : 0) "
      + "T \(number(at.x)) \(number(height - at.y)) \(align) \(number(width)) \(string(visible)) "
  }

  private static func style(_ paint: Drawing.Paint) -> String {
    "S \(string("setlinewidth(\(number(paint.width)))")) S \(string(paint.isDashed ? "dashed" : "solid")) "
  }

  private static func colour(_ operation: String, _ colour: String?) -> String {
    "\(operation) \(string(colour ?? "#00000000")) "
  }

  /// xdot's strings carry their length in bytes.
  private static func string(_ text: String) -> String { "\(text.utf8.count) -\(text)" }

  private static func coordinates(_ points: [Drawing.Point], _ height: Double) -> String {
    "\(points.count) " + points.map { "\(number($0.x)) \(number(height - $0.y))" }.joined(separator: " ")
  }

  private static func number(_ value: Double) -> String { SVGWriter.number(value) }
}
