internal import IR

/// The words of a stream: how many per frame, laid out as rows, and the channels of each.
struct StreamShape: Hashable {
  var height: Int
  var width: Int
  var channels: Int

  var words: Int { height * width }

  /// The stream a graph input of this type arrives as: channels-first images, sequences of vectors, or one vector.
  init?(_ type: TensorType) {
    guard let shape = type.constantShape, shape.allSatisfy({ $0 > 0 }) else { return nil }
    switch shape.count {
    case 0, 1: (height, width, channels) = (1, 1, shape.first ?? 1)
    case 2: (height, width, channels) = (1, shape[0], shape[1])
    case 3: (height, width, channels) = (1, shape[0] * shape[1], shape[2])
    default: (height, width, channels) = (shape[0] * shape[2], shape[3...].reduce(1, *), shape[1])
    }
  }

  init(height: Int, width: Int, channels: Int) {
    (self.height, self.width, self.channels) = (height, width, channels)
  }
}

extension LayerSpec {
  /// The layers that carry out one computation on a stream of `input`'s shape: usually one, two with padding.
  static func layers(for computation: Computation, name: String, input: StreamShape) -> [LayerSpec] {
    switch computation {
    case .contraction(let contraction):
      contraction.convolution.map { convolution(contraction, $0, name: name) } ?? [
        product(contraction, name: name, input: input)
      ]
    case .attention(let attention):
      // Scores and weighted values as two products per query, with keys and values instead of weights.
      [
        matrix(
          name: name + ".scores", rows: attention.batch * attention.heads * attention.queryLength,
          inputs: attention.headDimension, outputs: attention.keyLength),
        matrix(
          name: name + ".values", rows: attention.batch * attention.heads * attention.queryLength,
          inputs: attention.keyLength, outputs: attention.valueDimension),
      ]
    case .pointwise(let pointwise): [pointwiseLayer(pointwise, name: name, input: input)]
    case .reduction(let reduction): reductionLayers(reduction, name: name, input: input)
    case .movement(let movement): [movementLayer(movement, name: name, input: input)]
    case .loop(let loop): [loopLayer(loop, name: name)]
    case .opaque(let opaque):
      [
        elementwise(
          .copy, name: name, input: input, elements: opaque.outputs.first?.count ?? input.words * input.channels)
      ]
    }
  }

  private static func convolution(_ contraction: Contraction, _ geometry: Convolution, name: String) -> [LayerSpec] {
    func planes(_ extents: [Int]) -> (Int, Int) { (extents.dropLast().reduce(geometry.images, *), extents.last ?? 1) }
    func last(_ values: [Int], or fallback: Int) -> (Int, Int) {
      (values.count > 1 ? values[values.count - 2] : fallback, values.last ?? fallback)
    }
    var layer = LayerSpec(name: name, kind: .convolution)
    layer.channels = geometry.inputChannels
    layer.outputChannels = geometry.outputChannels
    layer.groups = max(1, geometry.groups)
    (layer.outputHeight, layer.outputWidth) = planes(geometry.output)
    (layer.height, layer.width) = planes(geometry.input)
    let taps = last(geometry.kernel, or: 1)
    layer.kernelHeight = geometry.kernel.dropLast().reduce(1, *)
    layer.kernelWidth = taps.1
    guard !geometry.isTransposed, geometry.images == 1, geometry.input.count <= 2 else {
      // Spread over the output's words: every one takes all taps once.
      (layer.height, layer.width) = (layer.outputHeight, layer.outputWidth)
      layer.channels *= layer.kernelHeight * layer.kernelWidth
      (layer.kernelHeight, layer.kernelWidth) = (1, 1)
      return [layer]
    }
    (layer.strideHeight, layer.strideWidth) = last(geometry.strides, or: 1)
    (layer.dilationHeight, layer.dilationWidth) = last(geometry.dilations, or: 1)
    let begin = last(geometry.padsBegin, or: 0)
    let end = last(geometry.padsEnd, or: 0)
    guard begin.0 + begin.1 + end.0 + end.1 > 0 else { return [layer] }
    var padding = LayerSpec(name: name + ".pad", kind: .padding)
    (padding.height, padding.width, padding.channels) = (layer.height, layer.width, layer.channels)
    (padding.padTop, padding.padLeft) = begin
    padding.outputHeight = layer.height + begin.0 + end.0
    padding.outputWidth = layer.width + begin.1 + end.1
    padding.outputChannels = layer.channels
    (layer.height, layer.width) = (padding.outputHeight, padding.outputWidth)
    return [padding, layer]
  }

  private static func product(_ contraction: Contraction, name: String, input: StreamShape) -> LayerSpec {
    let rows = contraction.batch * contraction.m
    guard rows == 1 else { return matrix(name: name, rows: rows, inputs: contraction.k, outputs: contraction.n) }
    var layer = LayerSpec(name: name, kind: .dense)
    let words = contraction.k % input.words == 0 ? input.words : 1
    (layer.width, layer.channels, layer.outputChannels) = (words, contraction.k / words, contraction.n)
    return layer
  }

  /// `rows` vectors one after the other through the same weights.
  private static func matrix(name: String, rows: Int, inputs: Int, outputs: Int) -> LayerSpec {
    var layer = LayerSpec(name: name, kind: .convolution)
    (layer.width, layer.channels) = (rows, inputs)
    (layer.outputWidth, layer.outputChannels) = (rows, outputs)
    return layer
  }

  private static func pointwiseLayer(_ pointwise: Pointwise, name: String, input: StreamShape) -> LayerSpec {
    let streams = pointwise.inputs.count { !$0.isConstant }
    let kind: Kind =
      streams > 1
      ? .add
      : pointwise.costPerElement.special > 0
        ? .table : pointwise.inputs.contains(where: \.isConstant) ? .scaled : .activation
    return elementwise(kind, name: name, input: input, elements: pointwise.count)
  }

  private static func reductionLayers(_ reduction: Reduction, name: String, input: StreamShape) -> [LayerSpec] {
    if let window = reduction.window, window.images == 1, window.input.count <= 2 {
      let contraction = Contraction(
        batch: 1, m: 1, n: 1, k: 1, lhs: Operand(element: .int8, count: 1), rhs: Operand(element: .int8, count: 1),
        output: Operand(element: .int8, count: 1))
      var layers = convolution(contraction, window, name: name)
      layers[layers.count - 1].kind = .pool
      return layers
    }
    switch reduction.kind {
    case .softmax:
      return [elementwise(.softmax, name: name, input: input, elements: reduction.rows * reduction.columns)]
    case .normalization, .scan, .sort:
      return [elementwise(.table, name: name, input: input, elements: reduction.rows * reduction.columns)]
    case .sum, .mean, .maximum, .minimum, .product, .argument:
      var layer = LayerSpec(name: name, kind: .globalPool)
      (layer.height, layer.width, layer.channels) = (input.height, input.width, input.channels)
      layer.outputChannels = reduction.rows
      return [layer]
    }
  }

  private static func movementLayer(_ movement: Movement, name: String, input: StreamShape) -> LayerSpec {
    let elements = movement.outputs.first?.count ?? input.words * input.channels
    switch movement.kind {
    case .concatenate: return elementwise(.concatenate, name: name, input: input, elements: elements)
    case .view, .copy, .cast: return elementwise(.activation, name: name, input: input, elements: elements)
    case .transpose, .slice, .gather, .scatter, .pad, .resize, .expand:
      var layer = elementwise(.copy, name: name, input: input, elements: elements)
      // Channels stay together; the number of words follows the number of elements.
      let channels = elements % input.channels == 0 ? input.channels : 1
      (layer.outputHeight, layer.outputWidth, layer.outputChannels) = (1, max(1, elements / channels), channels)
      return layer
    }
  }

  private static func loopLayer(_ loop: Loop, name: String) -> LayerSpec {
    var inputs = 0
    var outputs = 1
    for case .contraction(let contraction) in loop.body {
      inputs += contraction.k
      outputs = max(outputs, contraction.n * contraction.batch)
    }
    return matrix(
      name: name, rows: max(1, loop.tripCount), inputs: max(1, inputs), outputs: outputs * max(1, loop.parallel))
  }

  /// One word out per word in; the channels follow the number of elements.
  private static func elementwise(_ kind: Kind, name: String, input: StreamShape, elements: Int) -> LayerSpec {
    var layer = LayerSpec(name: name, kind: kind)
    let words = elements % input.words == 0 ? input.words : 1
    (layer.height, layer.width) = words == input.words ? (input.height, input.width) : (1, 1)
    layer.channels = max(1, elements / words)
    (layer.outputHeight, layer.outputWidth, layer.outputChannels) = (layer.height, layer.width, layer.channels)
    return layer
  }

  /// The stream this layer gives.
  var outputShape: StreamShape { StreamShape(height: outputHeight, width: outputWidth, channels: outputChannels) }
}
