internal import Basic
internal import IR

/// The extents a user gave: by symbol, or by input and axis.
struct DimensionBinder {
  /// By symbol.
  private(set) var values: [String: Int] = [:]
  /// Fixed extents replaced on request, by input name and axis.
  private var replaced: [String: [Int: Int]] = [:]
  private var unused: Set<String> = []
  private(set) var symbols: Set<String> = []

  /// Symbols of the inputs that nobody bound, sorted.
  var open: [String] { symbols.subtracting(values.keys).sorted() }

  init() {}

  init(_ requested: [String: Int], inputs: [(name: String, type: TypeMessage?)], file: String) throws(Failure) {
    for (key, extent) in requested where extent < 0 || extent > 1 << 40 {
      throw Failure("dimension \(key)=\(extent) is not a possible extent")
    }
    values = requested
    unused = Set(requested.keys)
    for input in inputs {
      guard case .tensor(_, let shape?)? = input.type else { continue }
      for (axis, extent) in shape.enumerated() {
        if case .number = extent {} else { symbols.insert(DimensionBinder.symbol(extent, of: input.name, axis: axis)) }
        guard let wanted = requested["\(input.name).\(axis)"] else { continue }
        unused.remove("\(input.name).\(axis)")
        if case .number = extent {
          replaced[input.name, default: [:]][axis] = wanted
          continue
        }
        let symbol = DimensionBinder.symbol(extent, of: input.name, axis: axis)
        if let other = values[symbol], other != wanted {
          throw Failure("dimension '\(symbol)' is given as \(other) and, through \(input.name).\(axis), as \(wanted)")
        }
        values[symbol] = wanted
      }
    }
  }

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
    let known = symbols.sorted().joined(separator: ", ")
    throw Failure(
      unused.sorted().map { key in
        let guess = nearestSpelling(to: key, in: symbols).map { "did you mean '\($0)'?" }
        let list = known.isEmpty ? "all its dimensions are fixed" : "it has \(known)"
        return .error("the model has no dimension '\(key)': \(list)", at: SourceLocation(file: file), fix: guess)
      })
  }

  static func symbol(_ extent: TypeMessage.Extent, of input: String, axis: Int) -> String {
    if case .named(let name) = extent { name } else { "\(input)_d\(axis)" }
  }
}
