package import Basic
package import IR
package import Numerics

/// A convolution or matrix product with constant weights, seen as `groups` matrices of outputs × inputs.
///
/// Inputs are ordered tap by tap with the input channels innermost, which is how hardware walks the reduction: N:M groups and
/// scale groups run along channels. What is an output or a summed axis comes from the operator's own axis ties.
package struct LinearLayer: Sendable {
  package let node: NodeID
  /// Name of the node in the model file.
  package let name: String
  package let weight: ValueID
  /// Index of the weight among the node's inputs.
  package let weightInput: Int
  /// Input that takes an addend per output, whether or not the node has one; nil when the operator takes none.
  package let bias: ValueID?
  package let groups: Int
  /// Outputs of one group.
  package private(set) var outputs: Int
  /// Input channels of one group.
  package let channels: Int
  package let taps: Int
  /// Axes of the weight with the outputs and with the input channels.
  package let outputAxis: Int
  package let channelAxis: Int
  /// Axis of the result with the outputs.
  package let resultAxis: Int
  private var shape: [Int]
  private let inputAxis: Int

  /// Length of the reduction.
  package var inputs: Int { channels * taps }
  package var weightCount: Int { groups * outputs * inputs }

  /// Nil when the node is no such layer: computed weights, a stack of matrices, a transposed convolution.
  package init?(_ graph: Graph, _ id: NodeID) {
    let node = graph[id]
    guard node.inputs.count >= 2, let weight = node.inputs[1], let constant = graph[weight].constant, constant.type.element.isFloat,
      let shape = constant.type.constantShape, shape.allSatisfy({ $0 > 0 })
    else { return nil }
    let operands = graph.operandTypes(of: node).bindingSymbols(to: 1)
    guard case .contraction(let contraction)? = try? node.operation.computation(operands), contraction.convolution?.isTransposed != true
    else { return nil }
    let ties = node.operation.axisTies(operands)
    let roles = ties.filter { tie in tie.members.contains { $0.slot == .input(1) } }
    func axis(_ slot: OperandSlot, _ tie: AxisTie?) -> Int? { tie?.members.first { $0.slot == slot }?.axis }
    let made = roles.first { $0.role == .produced }
    let summed = roles.first { $0.role == .summed }
    if let made, let summed, let output = axis(.input(1), made), let channel = axis(.input(1), summed), let input = axis(.input(0), summed)
    {
      (outputAxis, channelAxis, inputAxis) = (output, channel, input)
    } else if let geometry = contraction.convolution, geometry.isDepthwise, let tie = roles.first, let output = axis(.input(1), tie),
      let input = axis(.input(0), tie)
    {
      (outputAxis, channelAxis, inputAxis) = (output, output == 0 ? 1 : 0, input)
    } else {
      return nil
    }
    guard let result = axis(.output(0), made ?? roles.first) else { return nil }
    resultAxis = result
    groups = contraction.convolution?.groups ?? 1
    outputs = shape[outputAxis] / groups
    channels = shape[channelAxis]
    taps = shape.reduce(1, *) / (shape[outputAxis] * shape[channelAxis])
    guard contraction.k == channels * taps, contraction.convolution != nil || shape.count == 2 else { return nil }
    let biasInput = (made ?? roles.first)?.members.lazy.compactMap { member -> Int? in
      if case .input(let index) = member.slot, index >= 2 { index } else { nil }
    }.first
    bias = biasInput.flatMap { $0 < node.inputs.count ? node.inputs[$0] : nil }
    self.node = id
    name = node.name
    self.weight = weight
    weightInput = 1
    self.shape = shape
  }

  /// Every such layer of a graph, in execution order.
  package static func all(in graph: Graph) -> [LinearLayer] {
    (graph.topologicalOrder() ?? []).compactMap { LinearLayer(graph, $0) }
  }
}

// MARK: Weights

extension LinearLayer {
  /// One matrix of outputs × inputs per group.
  package func matrices(_ weights: Tensor) throws(Failure) -> [Matrix] {
    let values = try numbers(weights)
    return (0..<groups).map { group in
      var matrix = Matrix(zeros: outputs, inputs)
      forEachPosition(group) { row, column, position in matrix.elements[row * inputs + column] = values[position] }
      return matrix
    }
  }

  /// The weights as a tensor of the model's layout and element type.
  package func tensor(_ matrices: [Matrix], like old: Tensor) -> Tensor {
    var values = [Double](repeating: 0, count: weightCount)
    for (group, matrix) in matrices.enumerated() {
      forEachPosition(group) { row, column, position in values[position] = matrix.elements[row * inputs + column] }
    }
    return Tensor(old.element, old.shape, rounding: values)
  }

  /// Calls `body(output, input, position in the weight tensor)` for every weight of a group.
  private func forEachPosition(_ group: Int, _ body: (Int, Int, Int) -> Void) {
    var steps = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { steps[axis] = steps[axis + 1] * shape[axis + 1] }
    let tapAxes = shape.indices.filter { $0 != outputAxis && $0 != channelAxis }
    var tapOffsets: [Int] = [0]
    for axis in tapAxes { tapOffsets = tapOffsets.flatMap { base in (0..<shape[axis]).map { base + $0 * steps[axis] } } }
    for row in 0..<outputs {
      let base = (group * outputs + row) * steps[outputAxis]
      for (tap, offset) in tapOffsets.enumerated() {
        for channel in 0..<channels { body(row, tap * channels + channel, base + offset + channel * steps[channelAxis]) }
      }
    }
  }

  private func numbers(_ weights: Tensor) throws(Failure) -> [Double] {
    let values: [Double]
    do throws(OperatorError) { values = try weights.doubles() } catch { throw Failure("weights of '\(name)': \(error)") }
    guard values.count == weightCount else { throw Failure("weights of '\(name)' changed their shape to \(weights.shape)") }
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw Failure("weight \(bad) of '\(name)' is \(values[bad])", fix: "mend the model: weights must be finite")
    }
    return values
  }
}

// MARK: Inputs

extension LinearLayer {
  /// What one group multiplies with its weights for one batch: rows of `inputs` elements, one row per output position.
  ///
  /// - Parameter node: the node itself, whose geometry is taken for the shape of `x`.
  package func inputRows(_ x: Tensor, group: Int, of node: Node) throws(Failure) -> [Float] {
    do throws(OperatorError) {
      let values = try x.floats()
      let inputTypes: [ValueType?] = [.tensor(x.type), .tensor(TensorType(x.element, shape))]
      let outputs = try node.operation.inferTypes(InferenceContext(inputs: inputTypes))
      let computation = try node.operation.computation(OperandTypes(inputs: inputTypes, outputs: outputs, isConstant: [false, true]))
      guard case .contraction(let contraction) = computation else { throw OperatorError("contraction", "not a contraction") }
      if let geometry = contraction.convolution {
        let isChannelsLast = inputAxis == x.rank - 1
        let planes = isChannelsLast ? channelsFirst(values, geometry.images, geometry.inputChannels) : values
        return Unfolding(geometry).rows(planes, group: group)
      }
      if inputAxis == x.rank - 1 { return values }
      return transposed(values, columns: x.shape[x.rank - 1])
    } catch { throw Failure("input of '\(name)': \(error)") }
  }

  /// [n, spatial…, c] to [n, c, spatial…].
  private func channelsFirst(_ values: [Float], _ images: Int, _ channels: Int) -> [Float] {
    let plane = values.count / max(1, images * channels)
    var result = [Float](repeating: 0, count: values.count)
    for image in 0..<images {
      for position in 0..<plane {
        for channel in 0..<channels {
          result[(image * channels + channel) * plane + position] = values[(image * plane + position) * channels + channel]
        }
      }
    }
    return result
  }

  /// [k, m] to [m, k].
  private func transposed(_ values: [Float], columns: Int) -> [Float] {
    let rows = values.count / max(columns, 1)
    var result = [Float](repeating: 0, count: values.count)
    for row in 0..<rows { for column in 0..<columns { result[column * rows + row] = values[row * columns + column] } }
    return result
  }
}

extension OperandTypes {
  /// The same types with every symbolic extent taken as one number: layouts do not depend on it.
  package func bindingSymbols(to extent: Int) -> OperandTypes {
    var result = self
    func bound(_ type: ValueType) -> ValueType {
      type.bound(Dictionary(uniqueKeysWithValues: type.symbols.map { ($0, extent) }))
    }
    result.inputs = inputs.map { $0.map(bound) }
    result.outputs = outputs.map(bound)
    return result
  }
}

extension LinearLayer {
  /// The weights of this layer in a graph.
  package func tensor(in graph: Graph) throws(Failure) -> Tensor {
    guard let constant = graph[weight].constant, let tensor = Tensor(constant) else {
      throw Failure("the values of '\(graph[weight].name)' are not at hand", fix: "compress a model file that holds its weights")
    }
    return tensor
  }
}

extension LinearLayer {
  /// Shape of the weights with another number of outputs.
  package func shape(outputs: Int) -> [Int] {
    var result = shape
    result[outputAxis] = groups * outputs
    return result
  }

  /// The same geometry with another number of outputs.
  package func resized(outputs: Int) -> LinearLayer {
    var result = self
    result.outputs = outputs
    result.shape = shape(outputs: outputs)
    return result
  }
}
