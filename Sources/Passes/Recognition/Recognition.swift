internal import IR
internal import Ops

/// A subgraph that one operator can stand for.
struct Recognition {
  /// The operator and its inputs.
  var operation: any Operator
  var inputs: [ValueID?]
  /// The values it makes, in the order of its outputs; nil for an output that nobody needs.
  var results: [ValueID?]
  /// Nodes that become useless unless somebody else reads them.
  var covers: [NodeID]
  /// What has to happen to inputs first.
  var preparations: [Preparation] = []
  /// An axis of extent 1 that the operation's first output has and the recognised value has not.
  var squeezedAxis: Int?
  /// The shape of the operation's first output, where the recognised value is a view of it.
  var viewedShape: [Dimension]?

  /// The recognised value is the operation's first output in this order of axes.
  var permutation: [Int]?

  /// A change of one input, by position in `inputs`.
  enum Preparation {
    case transpose(input: Int, [Int])
    /// A new constant in place of the input.
    case constant(input: Int, Constant)
    case unsqueeze(input: Int, axis: Int)
    case squeeze(input: Int, axis: Int)
    /// Every `step`-th of the first `count` elements of the last axis.
    case part(input: Int, count: Int, step: Int)
    /// The input together with another value, or with its opposite: a second mask.
    case combine(input: Int, ValueID, BinaryElementwise.Function, isInverted: Bool = false, view: [Int]? = nil)
    /// The input broadcast to a shape, then seen as another.
    case spread(input: Int, over: [Int], as: [Int])
    /// The opposite of Booleans.
    case invert(input: Int)
    /// The input seen as another shape of as many elements.
    case view(input: Int, as: [Int])

    var input: Int {
      switch self {
      case .transpose(let input, _), .constant(let input, _), .unsqueeze(let input, _), .squeeze(let input, _),
        .part(let input, _, _), .combine(let input, _, _, _, _), .invert(let input), .spread(let input, _, _), .view(let input, _):
        input
      }
    }
  }

  init(
    operation: any Operator, inputs: [ValueID?], result: ValueID, covers: [NodeID], preparations: [Preparation] = [],
    squeezedAxis: Int? = nil
  ) {
    self.operation = operation
    self.inputs = inputs
    results = [result]
    self.covers = covers
    self.preparations = preparations
    self.squeezedAxis = squeezedAxis
  }
}

extension Rewriter {
  /// Puts the recognised operator in the place of the values; what nobody reads any more goes, its origin to the new node.
  ///
  /// Nodes that others still read stay, and keep their origin.
  mutating func apply(_ recognition: Recognition, rule: String, _ context: PassContext) {
    guard let result = recognition.results.first ?? nil else { return }
    let name = graph.producer(result).map { graph[$0].name } ?? rule
    var inputs = recognition.inputs
    for preparation in recognition.preparations {
      guard prepare(&inputs, preparation, name: name) else { return }
    }
    let types = recognition.results.map { $0.map { graph[$0].type } ?? graph[result].type }
    let straight = recognition.permutation.map { types[0].inOrder(before: $0) } ?? types[0]
    let first = recognition.squeezedAxis.map { straight.inserting(axis: $0) } ?? straight.viewed(as: recognition.viewedShape)
    let node = addNode(
      recognition.operation, inputs, types: [first] + types.dropFirst(), name: name, origin: Origin(),
      outputNames: recognition.results.map { $0.map { graph[$0].name } ?? "" })
    for (position, old) in recognition.results.enumerated() {
      guard let old else { continue }
      var new = graph[node].outputs[position]
      if position == 0, let axis = recognition.squeezedAxis {
        let axes = addConstant(Constant(integers: [Int64(axis)]), name: "\(name).axis")
        let squeeze = addNode(Squeeze(), [new, axes], types: [straight], name: "\(name).squeezed", origin: Origin())
        new = graph[squeeze].outputs[0]
      }
      if position == 0, let target = recognition.viewedShape.flatMap({ types[0].target(from: $0) }) {
        let target = addIntegers(target, "\(name).shape")
        new = graph[addNode(Reshape(), [new, target], types: [types[0]], name: "\(name).viewed", origin: Origin())].outputs[0]
      }
      if position == 0, let order = recognition.permutation {
        new = graph[addNode(Transpose(order), [new], types: [types[0]], name: "\(name).turned", origin: Origin())].outputs[0]
      }
      replaceUses(of: old, with: new)
    }
    let names = eraseCovered(recognition.covers, heir: node, rule: rule)
    context.count(rule)
    context.ledger.apply(rule, names.isEmpty ? graph[node].origin.names : names)
  }

  /// Erases nodes that nobody reads any more, last first; the origin goes to `heir`.
  private mutating func eraseCovered(_ covers: [NodeID], heir: NodeID, rule: String) -> [String] {
    let order = covers.sorted { $0 > $1 }
    var isProgressing = true
    while isProgressing {
      isProgressing = false
      for id in order where graph.contains(id) {
        var isDead = true
        for output in graph[id].outputs where !self.isDead(output) { isDead = false }
        guard isDead else { continue }
        erase(id, reason: rule, heir: heir)
        isProgressing = true
      }
    }
    return graph[heir].origin.names
  }

  /// False when the types do not allow it: then nothing is recognised.
  private mutating func prepare(_ inputs: inout [ValueID?], _ preparation: Recognition.Preparation, name: String) -> Bool {
    let position = preparation.input
    if case .constant(_, let constant) = preparation {
      inputs[position] = addConstant(constant, name: "\(name).constant\(position)")
      return true
    }
    guard let input = inputs[position], let type = graph.tensorType(input) else { return false }
    var operands: [ValueID?] = [input]
    let operation: any Operator
    switch preparation {
    case .constant: return true
    case .transpose(_, let permutation): operation = Transpose(permutation)
    case .unsqueeze(_, let axis):
      operation = Unsqueeze()
      operands.append(addIntegers([axis], "\(name).axis"))
    case .squeeze(_, let axis):
      operation = Squeeze()
      operands.append(addIntegers([axis], "\(name).axis"))
    case .part(_, let count, let step):
      operation = Slice()
      operands += [[0], [count], [type.rank - 1]].map { addIntegers($0, "\(name).range") }
      if step > 1 { operands.append(addIntegers([step], "\(name).step")) }
    case .combine(_, let other, let function, let isInverted, let view):
      operation = BinaryElementwise(function)
      guard var operand = isInverted ? inverse(of: other, name: name) : other else { return false }
      if let view {
        let shape = addIntegers(view, "\(name).shape")
        let apart = try? addNode(Reshape(), [operand, shape], name: "\(name).apart.\(graph.nodeSlots.count)", origin: Origin())
        guard let apart else { return false }
        operand = graph[apart].outputs[0]
      }
      operands.append(operand)
    case .invert: operation = LogicalNot()
    case .view(_, let shape):
      operation = Reshape()
      operands.append(addIntegers(shape, "\(name).shape"))
    case .spread(_, let wide, let flat):
      let shape = addIntegers(wide, "\(name).wide")
      guard let repeated = try? addNode(Expand(), [input, shape], name: "\(name).repeated.\(graph.nodeSlots.count)", origin: Origin())
      else {
        return false
      }
      operation = Reshape()
      operands = [graph[repeated].outputs[0], addIntegers(flat, "\(name).flat")]
    }
    let label = "\(name).operand\(position).\(graph.nodeSlots.count)"
    guard let made = try? addNode(operation, operands, name: label, origin: Origin()) else { return false }
    inputs[position] = graph[made].outputs[0]
    return true
  }

  private mutating func inverse(of value: ValueID, name: String) -> ValueID? {
    guard let node = try? addNode(LogicalNot(), [value], name: "\(name).inverse.\(graph.nodeSlots.count)", origin: Origin()) else {
      return nil
    }
    return graph[node].outputs[0]
  }

  private mutating func addIntegers(_ values: [Int], _ name: String) -> ValueID {
    addConstant(Constant(integers: values.map(Int64.init)), name: name)
  }
}

extension ValueType {
  /// The type of a value of which this one is a view.
  fileprivate func viewed(as shape: [Dimension]?) -> ValueType {
    guard case .tensor(var type) = self, let shape else { return self }
    type.shape = shape
    return .tensor(type)
  }

  /// What a reshape to this type is told, from a shape with the same open extents in the same places.
  fileprivate func target(from shape: [Dimension]) -> [Int]? {
    guard let own = tensor?.shape else { return nil }
    return own.enumerated().map { axis, extent in extent.constant ?? (axis < shape.count && shape[axis] == extent ? 0 : -1) }
  }

  fileprivate func inserting(axis: Int) -> ValueType {
    guard case .tensor(var type) = self else { return self }
    type.shape.insert(1, at: axis)
    return .tensor(type)
  }
}
