/// A picture of rectangles, lines, circles and text in points, y downwards; writers turn it into SVG or xdot.
struct Drawing {
  enum Anchor: String { case start, middle, end }

  enum Element {
    case rectangle(Box, Paint, Mark)
    case line([Point], Paint, Mark)
    case polygon([Point], Paint, Mark)
    case circle(Point, radius: Double, Paint, Mark)
    case text(String, Point, TextLook)
  }

  struct Point: Hashable {
    var x: Double
    var y: Double

    init(_ x: Double, _ y: Double) {
      self.x = x
      self.y = y
    }
  }

  struct Box: Hashable {
    var x: Double
    var y: Double
    var width: Double
    var height: Double

    init(_ x: Double, _ y: Double, _ width: Double, _ height: Double) {
      self.x = x
      self.y = y
      self.width = width
      self.height = height
    }
  }

  struct Paint: Hashable {
    var fill: String?
    var stroke: String?
    var width = 1.0
    var isDashed = false
    var opacity = 1.0

    static func filled(_ colour: String) -> Paint { Paint(fill: colour, stroke: nil) }
    static func stroked(_ colour: String, _ width: Double = 1) -> Paint {
      Paint(fill: nil, stroke: colour, width: width)
    }
  }

  /// What an element stands for: a tooltip, and the kernel that an interactive page links it to.
  struct Mark: Hashable {
    var tooltip: String?
    var kernel: Int?
    /// Style class by which a page may recolour it: `paper`, `rule`, `frame`.
    var role: String?

    init(tooltip: String? = nil, kernel: Int? = nil, role: String? = nil) {
      self.tooltip = tooltip
      self.kernel = kernel
      self.role = role
    }
  }

  struct TextLook: Hashable {
    var size = 11.0
    var anchor = Anchor.start
    var isBold = false
    var colour = "#222222"

    init(size: Double = 11, anchor: Anchor = .start, isBold: Bool = false, colour: String = "#222222") {
      self.size = size
      self.anchor = anchor
      self.isBold = isBold
      self.colour = colour
    }
  }

  var title: String
  var width: Double
  var height: Double
  private(set) var elements: [Element] = []

  init(title: String, width: Double, height: Double) {
    self.title = title
    self.width = width
    self.height = height
  }

  mutating func add(_ box: Box, _ paint: Paint, _ mark: Mark = Mark()) { elements.append(.rectangle(box, paint, mark)) }
  mutating func add(_ line: [Point], _ paint: Paint, _ mark: Mark = Mark()) {
    elements.append(.line(line, paint, mark))
  }
  mutating func add(polygon: [Point], _ paint: Paint, _ mark: Mark = Mark()) {
    elements.append(.polygon(polygon, paint, mark))
  }
  mutating func add(circle: Point, radius: Double, _ paint: Paint, _ mark: Mark = Mark()) {
    elements.append(.circle(circle, radius: radius, paint, mark))
  }
  mutating func add(_ text: String, _ at: Point, _ look: TextLook = TextLook()) {
    elements.append(.text(text, at, look))
  }

  /// Text with a light ground, which can be read over whatever lies below.
  mutating func add(overDots text: String, _ at: Point, _ look: TextLook) {
    let width = TextMetrics.width(text, size: look.size)
    let shift =
      switch look.anchor {
      case .start: 0.0
      case .middle: width / 2
      case .end: width
      }
    let ground = Box(at.x - shift - 2, at.y - look.size, width + 4, look.size + 4)
    add(ground, Paint(fill: "#FFFFFF", stroke: nil, opacity: 0.8), Mark(role: "ground"))
    add(text, at, look)
  }

  /// Text cut to a width; nothing when not even three characters fit.
  mutating func add(_ text: String, _ at: Point, within width: Double, _ look: TextLook = TextLook()) {
    guard let fitting = TextMetrics.fit(text, width: width, size: look.size, isBold: look.isBold) else { return }
    add(fitting, at, look)
  }
}
