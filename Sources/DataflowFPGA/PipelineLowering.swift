package import Basic
internal import IR
package import Lowering

/// Turns kernels into a pipeline design: one or more layers per kernel, a stream wherever one reads what another writes.
package struct PipelineLowering: Sendable {
  package private(set) var layers: [LayerSpec] = []
  package private(set) var streams: [PipelineDesign.Stream] = []
  /// The kernel each layer belongs to; -1 for layers inserted between kernels.
  package private(set) var kernelOfLayer: [Int] = []
  /// The layer that gives what a kernel writes, by number of the kernel.
  package private(set) var outputLayer: [Int: Int] = [:]
  private let request: FPGADescription.Request
  private let tool: ImplementationProfile
  private let rules: FoldingRules
  private var used: Set<Int> = []
  private var producers: [Int: Int] = [:]

  /// Throws when a folding rule names no layer or asks for what the tool cannot fold.
  package init(_ kernels: [Kernel], request: FPGADescription.Request, tool: ImplementationProfile) throws(Failure) {
    self.request = request
    self.tool = tool
    rules = try FoldingRules(request.folding)
    for kernel in kernels {
      try refuseExperts(kernel)
      add(kernel)
    }
    for index in kernels.indices { try applyRules(to: kernels[index]) }
    try checkRules(kernels)
    repack()
  }

  package func design(name: String) -> PipelineDesign {
    PipelineDesign(name: name, layers: layers, streams: streams, transfer: request.transfer)
  }

  /// A pipeline has every layer's weights in place; which experts' it needs is known with the data only.
  private func refuseExperts(_ kernel: Kernel) throws(Failure) {
    for case .contraction(let product) in kernel.steps.map(\.computation) where product.experts ?? 1 > 1 {
      throw Failure(
        "\(kernel.name): rows that choose among experts have no layer in a pipeline", fix: "predict the model on a GPU or an NPU")
    }
  }

  private mutating func add(_ kernel: Kernel) {
    var waiting = kernel.reads.filter { !$0.operand.isConstant }
    let external = waiting.first.flatMap { StreamShape($0.type) } ?? StreamShape(height: 1, width: 1, channels: 1)
    var last: Int?
    for (position, step) in kernel.steps.enumerated() {
      let input =
        last.map { layers[$0].outputShape } ?? waiting.first.flatMap { producers[$0.id] }.map { layers[$0].outputShape }
        ?? external
      let name = kernel.steps.count == 1 ? kernel.name : "\(kernel.name).\(position)"
      var made = LayerSpec.layers(for: step.computation, name: name, input: input)
      for index in made.indices { configure(&made[index], step.computation, kernel) }
      let first = layers.count
      for layer in made {
        if let last { streams.append(.init(from: last, to: layers.count)) }
        last = layers.count
        layers.append(layer)
        kernelOfLayer.append(kernel.id)
      }
      // The first step takes the first stream from outside, steps with two operands one more each.
      let free = step.computation.inputs.count { !$0.isConstant } - (position == 0 ? 0 : 1)
      for tensor in waiting.prefix(max(position == 0 ? 1 : 0, free)) { connect(tensor, to: first) }
      waiting.removeFirst(min(waiting.count, max(position == 0 ? 1 : 0, free)))
    }
    guard let last else { return }
    for tensor in waiting { connect(tensor, to: last) }
    for tensor in kernel.writes { producers[tensor.id] = last }
    outputLayer[kernel.id] = last
  }

  /// Folds the layers of a kernel that a rule names, by the layer, the kernel or a source node.
  private mutating func applyRules(to kernel: Kernel) throws(Failure) {
    guard !rules.rules.isEmpty else { return }
    for index in layers.indices where kernelOfLayer[index] == kernel.id && layers[index].kernelOutputs > 0 {
      guard let rule = rules.match([layers[index].name, kernel.name] + kernel.origin) else { continue }
      used.insert(rule)
      try layers[index].fold(rules.rules[rule].folding, by: tool)
    }
  }

  private func checkRules(_ kernels: [Kernel]) throws(Failure) {
    for (index, rule) in rules.rules.enumerated() where !used.contains(index) {
      let folded = kernels.filter { kernel in
        layers.indices.contains { kernelOfLayer[$0] == kernel.id && layers[$0].kernelOutputs > 0 }
      }
      let names = folded.map(\.name)
      let mine = folded.filter { rule.matches(layerNames($0)) }
      if let earlier = rules.rules[..<index].first(where: { other in mine.contains { other.matches(layerNames($0)) } }) {
        throw Failure(
          "hls.folding: earlier rules, such as '\(earlier.pattern)', take all layers of '\(rule.pattern)'",
          fix: "put the rule for single layers first")
      }
      throw Failure("hls.folding: no layer with weights is named '\(rule.pattern)'", fix: Self.suggestion(rule.pattern, names))
    }
  }

  /// Every name under which a rule may know a kernel's layers.
  private func layerNames(_ kernel: Kernel) -> [String] {
    layers.indices.filter { kernelOfLayer[$0] == kernel.id }.map { layers[$0].name } + [kernel.name] + kernel.origin
  }

  /// Layers whose names hold the word, the nearest spelling, or all there are.
  private static func suggestion(_ pattern: String, _ names: [String]) -> String {
    if pattern.hasPrefix("re:") {
      return "an expression has to match the whole name, as 're:.*fc.*' does '/fc/Gemm'; layers are \(names.joined(separator: ", "))"
    }
    let holding = names.filter { $0.lowercased().contains(pattern.lowercased()) }
    if !holding.isEmpty { return "did you mean \(holding.prefix(8).joined(separator: " or "))?" }
    return nearestSpelling(to: pattern, in: names).map { "did you mean \($0)?" } ?? "layers are \(names.joined(separator: ", "))"
  }

  private mutating func connect(_ tensor: Kernel.Tensor, to layer: Int) {
    guard let producer = producers[tensor.id], producer != layer else { return }
    if streams.contains(where: { $0.from == producer && $0.to == layer }) { return }
    streams.append(.init(from: producer, to: layer))
  }

  /// Folding, number formats and, for unrolled kernels, the weights.
  private func configure(_ layer: inout LayerSpec, _ computation: Computation, _ kernel: Kernel) {
    layer.reuse = max(1, request.reuse)
    layer.strategy = request.strategy
    layer.transfer = request.transfer
    layer.weightBits = request.fixedBits
    layer.dataBits = request.fixedBits
    if let data = computation.inputs.first { layer.dataBits = bits(data) }
    guard case .contraction(let contraction) = computation else { return }
    layer.weightBits = bits(contraction.rhs)
    guard layer.strategy == .latency, layer.kernelOutputs > 0, contraction.rhs.isConstant else { return }
    let weights = kernel.reads.filter { $0.operand.isConstant && $0.operand.count == layer.weightCount }
    guard weights.count == 1, let tensor = weights.first else { return }
    layer.weights = WeightStatistics(
      tensor, rows: layer.kernelInputs, columns: layer.kernelOutputs, bits: layer.weightBits)
  }

  private func bits(_ operand: Operand) -> Int {
    operand.storage.isFloat && operand.storage.bits > 8 ? request.fixedBits : operand.storage.bits
  }

  /// Where the words of a stream are cut otherwise than its reader wants, a buffer turns one into the other.
  private mutating func repack() {
    for index in streams.indices {
      let stream = streams[index]
      let given = layers[stream.from].outputHeight * layers[stream.from].outputWidth
      let taken = layers[stream.to].pixels
      guard given != taken else { continue }
      var buffer = LayerSpec(name: "\(layers[stream.from].name).repack", kind: .copy)
      let shape = layers[stream.from].outputShape
      (buffer.height, buffer.width, buffer.channels) = (shape.height, shape.width, shape.channels)
      (buffer.outputHeight, buffer.outputWidth) = (1, taken)
      buffer.outputChannels = max(1, given * shape.channels / max(1, taken))
      buffer.dataBits = layers[stream.from].dataBits
      buffer.transfer = request.transfer
      let position = layers.count
      layers.append(buffer)
      kernelOfLayer.append(kernelOfLayer[stream.to])
      streams[index] = .init(from: stream.from, to: position)
      streams.append(.init(from: position, to: stream.to))
    }
  }
}
