internal import Basic
internal import IR
internal import Ops

/// The numbers a user gave: extents by symbol, or by input and axis, and integer inputs without axes by name.
struct DimensionBinder {
  /// By symbol.
  private(set) var values: [String: Int] = [:]
  /// What inputs without axes are, by name.
  private(set) var scalars: [String: Int] = [:]
  /// Fixed extents replaced on request, by input name and axis.
  private var replaced: [String: [Int: Int]] = [:]
  /// A sentence for every extent that the file fixes and the user replaced.
  private(set) var replacements: [String] = []
  private var unused: Set<String> = []
  private(set) var symbols: Set<String> = []
  /// Axes of every tensor input whose shape the file gives.
  private var ranks: [String: Int] = [:]

  /// Symbols of the inputs that nobody bound, sorted.
  var open: [String] { symbols.subtracting(values.keys).sorted() }

  init() {}

  init(_ requested: [String: Int], inputs: [(name: String, type: TypeMessage?)], file: String) throws(Failure) {
    values = requested
    unused = Set(requested.keys)
    for input in inputs {
      guard case .tensor(let element, let shape?)? = input.type else { continue }
      ranks[input.name] = shape.count
      if shape.isEmpty, let number = requested[input.name], ElementType(onnxCode: element).map({ $0.isInteger || $0 == .bool }) ?? false {
        scalars[input.name] = number
        values[input.name] = nil
        unused.remove(input.name)
      }
      for (axis, extent) in shape.enumerated() {
        if case .number = extent {} else { symbols.insert(DimensionBinder.symbol(extent, of: input.name, axis: axis)) }
        guard let wanted = requested["\(input.name).\(axis)"] else { continue }
        unused.remove("\(input.name).\(axis)")
        if case .number(let fixed) = extent {
          replaced[input.name, default: [:]][axis] = wanted
          if fixed != wanted { replacements.append("axis \(axis) of input '\(input.name)' is \(wanted); the file fixes it at \(fixed)") }
          continue
        }
        let symbol = DimensionBinder.symbol(extent, of: input.name, axis: axis)
        if let other = values[symbol], other != wanted {
          throw Failure("dimension '\(symbol)' is given as \(other) and, through \(input.name).\(axis), as \(wanted)")
        }
        values[symbol] = wanted
      }
    }
    let wrong = requested.filter { scalars[$0.key] == nil && !(0...DimensionBinder.largest).contains($0.value) }
    guard wrong.isEmpty else {
      throw Failure(
        wrong.sorted { $0.key < $1.key }.map { key, extent in
          let why = extent < 0 ? "an extent is not negative" : "an extent is at most 2^40"
          return .error("dimension \(key)=\(extent): \(why)", at: SourceLocation(file: file))
        })
    }
  }

  /// No axis is longer; products of a few extents then still fit an integer, or are found not to.
  private static let largest = 1 << 40

  /// The extent of an input axis after binding.
  mutating func dimension(_ extent: TypeMessage.Extent, of input: String, axis: Int) -> Dimension {
    if let value = replaced[input]?[axis] { return .constant(value) }
    if case .number(let value) = extent { return .constant(value) }
    return bound(.symbol(DimensionBinder.symbol(extent, of: input, axis: axis)))
  }

  mutating func bound(_ dimension: Dimension) -> Dimension {
    guard !values.isEmpty, case .symbolic(let expression) = dimension else { return dimension }
    unused.subtract(expression.symbols)
    return dimension.bound(values)
  }

  mutating func bound(_ type: ValueType) -> ValueType {
    guard !values.isEmpty else { return type }
    let mentioned = type.symbols
    guard !mentioned.isEmpty else { return type }
    unused.subtract(mentioned)
    return type.bound(values)
  }

  /// A dimension nobody has is a mistake worth a list of those there are.
  func checkUse(file: String) throws(Failure) {
    guard !unused.isEmpty else { return }
    throw Failure(unused.sorted().map { .error(mistake($0), at: SourceLocation(file: file), fix: guess($0)) })
  }

  /// What is wrong with a name.
  private func mistake(_ key: String) -> String {
    if ranks[key] == 0 { return "input '\(key)' has no axes and holds no integer: it cannot be bound" }
    if let point = key.lastIndex(of: "."), let rank = ranks[String(key[..<point])], Int(key[key.index(after: point)...]) != nil {
      let axes = rank == 0 ? "it has no axes" : "its axes are 0 to \(rank - 1)"
      return "input '\(key[..<point])' has no axis \(key[key.index(after: point)...]): \(axes)"
    }
    let others = open.isEmpty ? "all are bound" : "open are \(open.joined(separator: ", "))"
    let list = symbols.isEmpty ? "all its dimensions are fixed" : others
    return "the model has no dimension '\(key)': \(list)"
  }

  private func guess(_ key: String) -> String? {
    let axes = ranks.flatMap { name, rank in (0..<rank).map { "\(name).\($0)" } }
    let near = nearestSpelling(to: key, in: symbols) ?? nearestSpelling(to: key, in: axes)
    if let near { return "did you mean '\(near)'?" }
    return symbols.isEmpty ? axes.min().map { "an axis is replaced as --dim \($0)=…" } : nil
  }

  static func symbol(_ extent: TypeMessage.Extent, of input: String, axis: Int) -> String {
    if case .named(let name) = extent { name } else { "\(input)_d\(axis)" }
  }
}
