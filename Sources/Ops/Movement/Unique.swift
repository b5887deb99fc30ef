package import IR

/// The distinct slices along an axis (or elements of the flattened x).
///
/// Outputs: the distinct ones, the index of each one's first occurrence, for every slice which distinct one it is, and
/// how often each occurs.
package struct Unique: ONNXOperator {
  package static let name = "unique"

  /// Nil: x is flattened first.
  package var axis: Int?
  /// In ascending order; otherwise in order of first occurrence.
  package var isSorted: Bool

  package init(axis: Int? = nil, isSorted: Bool = true) {
    self.axis = axis
    self.isSorted = isSorted
  }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    let count = context.freshDimension("count")
    var shape = [count]
    var slices = x.shape.reduce(1, *)
    if let axis {
      let along = try resolveAxis(axis, rank: x.rank)
      shape = x.shape
      shape[along] = count
      slices = x.shape[along]
    }
    let counts = ValueType.tensor(TensorType(.int64, [count]))
    let all = [.tensor(TensorType(x.element, shape)), counts, .tensor(TensorType(.int64, [slices])), counts]
    return Array(all.prefix(max(context.outputCount, 1)))
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let x = try operands.input(0)
    let steps = max(1, Int.bitWidth - x.count.leadingZeroBitCount)
    return .reduction(
      Reduction(
        kind: .sort, rows: 1, columns: x.count, inputs: [x], outputs: try operands.allOutputs(),
        costPerElement: ArithmeticCost(simple: steps)))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let source = axis == nil ? x.reshaped([x.count]) : x
    let along = try resolveAxis(axis ?? 0, rank: source.rank)
    let keys = try SliceKeys(source, axis: along)
    let order = (0..<source.shape[along]).sorted { keys.compare($0, $1) ?? ($0 < $1) }
    var groups: [[Int]] = []
    for slice in order {
      if let last = groups.last, keys.compare(last[0], slice) == nil {
        groups[groups.count - 1].append(slice)
      } else {
        groups.append([slice])
      }
    }
    if !isSorted { groups.sort { $0[0] < $1[0] } }
    var inverse = [Int64](repeating: 0, count: order.count)
    for (index, group) in groups.enumerated() { for slice in group { inverse[slice] = Int64(index) } }
    var shape = source.shape
    shape[along] = groups.count
    let rule = BlockSelection(
      outer: source.shape[..<along].reduce(1, *), extent: source.shape[along], positions: groups.map { $0[0] },
      block: source.shape[(along + 1)...].reduce(1, *))
    let results = [
      source.rearranged(shape, rule), Tensor([groups.count], integers: groups.map { Int64($0[0]) }),
      Tensor([inverse.count], integers: inverse), Tensor([groups.count], integers: groups.map { Int64($0.count) }),
    ]
    return results.prefix(max(context.outputCount, 1)).map(Datum.tensor)
  }

  package static var onnxNames: [ONNXName] { ["Unique"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> Unique {
    Unique(axis: try node.integer("axis"), isSorted: try node.integer("sorted") ?? 1 != 0)
  }

  package func exportONNX() -> ONNXSpelling {
    ONNXSpelling("Unique", [("sorted", .integer(isSorted ? 1 : 0))] + (axis.map { [("axis", .integer($0))] } ?? []))
  }
}

/// Orders the slices of a tensor along an axis by their elements in row-major order.
private struct SliceKeys {
  private enum Keys { case numbers([[Double]]), integers([[Int64]]), texts([[String]]) }
  private let keys: Keys

  init(_ x: Tensor, axis: Int) throws(OperatorError) {
    let strides = x.shape.rowMajorStrides
    var rest = x.shape
    rest[axis] = 1
    func slices<T>(_ values: [T]) -> [[T]] {
      (0..<x.shape[axis]).map {
        StridedView(shape: rest, strides: strides, offset: $0 * strides[axis]).rearrange(values)
      }
    }
    if case .string(let values) = x.elements {
      keys = .texts(slices(values))
    } else if x.element.isInteger, x.element != .uint64 {
      keys = .integers(slices(try x.integers()))
    } else {
      keys = .numbers(slices(try x.doubles()))
    }
  }

  /// Whether slice a comes before slice b; nil when they are equal.
  func compare(_ a: Int, _ b: Int) -> Bool? {
    func order<T: Comparable>(_ x: [T], _ y: [T]) -> Bool? {
      for (left, right) in zip(x, y) where left != right { return left < right }
      return nil
    }
    switch keys {
    case .numbers(let slices): return order(slices[a], slices[b])
    case .integers(let slices): return order(slices[a], slices[b])
    case .texts(let slices): return order(slices[a], slices[b])
    }
  }
}
