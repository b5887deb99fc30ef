internal import Basic
internal import IR
internal import Ops

/// Writes stored caches into a graph: an input becomes numbers of the format and is read back, a result is rounded to it.
///
/// Before `%all = concat(%past, %new); attend(%all)`; after `%all = concat(%past, quantize(%new)); attend(dequantize(%all))`
/// for integers, which ONNX can join; other caches are rounded as a whole. Scales per token come and go with the cache.
struct CacheWriter: ~Copyable {
  private(set) var rewriter: Rewriter
  /// Positions of a block of scales per channel where a cache's length is not known: any cache is shorter.
  private static let longest = 1 << 20

  init(_ graph: Graph) { rewriter = Rewriter(graph) }

  consuming func finish() -> Graph { rewriter.finish() }

  /// How numbers of one cache are read back.
  private struct Form {
    var axis: Int
    var block = 0
    var scale: ValueID
    /// Absent, the type stands for it.
    var zero: ValueID?
    var storage: ElementType

    var operands: [ValueID?] { zero == nil ? [scale] : [scale, zero] }
  }

  mutating func store(
    _ entry: KeyValueCache.Entry, _ format: CacheFormat, _ parameters: QuantizationParameters?
  ) throws(OperatorError) {
    let past = entry.past
    let name = rewriter.graph[past].name
    // Those of the model; the extents of scales are read from the stored past.
    let readers = Set(rewriter.users(of: past)).sorted()
    let form = try form(of: past, entry, format, parameters)
    guard var type = rewriter.graph.tensorType(past) else { return }
    type.element = format.scheme.storage
    rewriter.setType(.tensor(type), of: past)
    let appended = appendedEntries(entry, format)
    let others = readers.filter { $0 != appended?.node }
    if !others.isEmpty { redirect(others, from: past, to: try read(past, form, name)) }
    guard let written = entry.written else { return }
    if let appended {
      try append(appended, written, form, entry, format)
    } else {
      try write(written, form, entry, format)
    }
  }

  // MARK: Results

  /// The join that puts a step's entries behind the past, where it can join stored numbers.
  private func appendedEntries(_ entry: KeyValueCache.Entry, _ format: CacheFormat) -> (node: NodeID, new: ValueID)? {
    guard [.int8, .uint8, .int16, .uint16].contains(format.scheme.storage),
      let (node, _) = rewriter.graph.producer(entry.written, as: Concatenate.self), rewriter.graph[node].inputs.first == entry.past,
      let new = rewriter.graph[node].inputs.last ?? nil, new != entry.past
    else { return nil }
    return (node, new)
  }

  private mutating func append(
    _ appended: (node: NodeID, new: ValueID), _ written: ValueID, _ past: Form, _ entry: KeyValueCache.Entry, _ format: CacheFormat
  ) throws(OperatorError) {
    let join = rewriter.graph[appended.node]
    let name = rewriter.graph[written].name
    let (new, added) = try rounded(appended.new, past, entry, format, name: "\(name)_new")
    func joined(_ values: [ValueID?], _ suffix: String) throws(OperatorError) -> ValueID {
      let node = try rewriter.addNode(join.operation, values, name: join.name + suffix, origin: join.origin)
      return rewriter.graph[node].outputs[0]
    }
    let stored = try joined([entry.past, new], "")
    var form = added
    if format.strategy == .token {
      form.scale = try joined([past.scale, added.scale], "_scale")
    } else {
      form.block = block(of: stored, entry, format)
    }
    try replace(written, with: stored, form, name, scale: format.strategy == .token ? form.scale : nil)
    rewriter.erase(appended.node, reason: "joins stored numbers")
  }

  private mutating func write(
    _ value: ValueID, _ past: Form, _ entry: KeyValueCache.Entry, _ format: CacheFormat
  ) throws(OperatorError) {
    let name = rewriter.graph[value].name
    let readers = Set(rewriter.users(of: value)).sorted()
    let (stored, form) = try rounded(value, past, entry, format, name: name)
    try replace(value, with: stored, form, name, scale: format.strategy == .token ? form.scale : nil, readers: readers)
  }

  /// Puts stored numbers in the place of a result, under the name that the next step knows it by; their scales follow the results.
  private mutating func replace(
    _ value: ValueID, with stored: ValueID, _ form: Form, _ name: String, scale: ValueID?, readers: [NodeID]? = nil
  ) throws(OperatorError) {
    rewriter.rename(value, to: "\(name)_real")
    rewriter.rename(stored, to: name)
    var outputs = rewriter.graph.outputs.map { $0 == value ? stored : $0 }
    if let scale, outputs.contains(stored) {
      rewriter.rename(scale, to: "\(name)_scale")
      outputs.append(scale)
    }
    rewriter.setOutputs(outputs)
    let readers = readers ?? Set(rewriter.users(of: value)).sorted()
    if !readers.isEmpty { redirect(readers, from: value, to: try read(stored, form, name)) }
  }

  // MARK: Numbers

  private mutating func read(_ stored: ValueID, _ form: Form, _ name: String) throws(OperatorError) -> ValueID {
    let node = try rewriter.addNode(
      Dequantize(axis: form.axis, blockSize: form.block), [stored] + form.operands, name: "\(name)_dequantize", origin: Origin())
    return rewriter.graph[node].outputs[0]
  }

  /// Real numbers in the format, and how they are read back.
  private mutating func rounded(
    _ value: ValueID, _ past: Form, _ entry: KeyValueCache.Entry, _ format: CacheFormat, name: String
  ) throws(OperatorError) -> (ValueID, Form) {
    var form = past
    if format.strategy == .token {
      form.scale = try TokenScale(axis: form.axis, storage: form.storage).add(of: value, name: name, &rewriter)
    } else {
      form.block = block(of: value, entry, format)
    }
    let quantize = Quantize(axis: form.axis, blockSize: form.block, storage: form.zero == nil ? form.storage : nil)
    let node = try rewriter.addNode(quantize, [value] + form.operands, name: "\(name)_quantize", origin: Origin())
    return (rewriter.graph[node].outputs[0], form)
  }

  /// Positions that share a scale per channel: all that a value has.
  private func block(of value: ValueID, _ entry: KeyValueCache.Entry, _ format: CacheFormat) -> Int {
    guard format.strategy == .channel, let axes = entry.axes else { return 0 }
    let extent = rewriter.graph.tensorType(value)?.shape[axes.length].constant
    return extent.map { max(1, $0) } ?? Self.longest
  }

  // MARK: Scales

  private mutating func form(
    of past: ValueID, _ entry: KeyValueCache.Entry, _ format: CacheFormat, _ parameters: QuantizationParameters?
  ) throws(OperatorError) -> Form {
    let name = rewriter.graph[past].name
    let storage = format.scheme.storage
    guard let type = rewriter.graph.tensorType(past) else { throw OperatorError("tensor-expected", "'\(name)' is not a tensor") }
    switch format.strategy {
    case .tensor, .head:
      let shape = format.strategy == .head ? [parameters?.scales.count ?? 1] : []
      let scale = rewriter.addConstant(Constant(Tensor(shape, floats: parameters?.scales ?? [1])), name: "\(name)_scale")
      let zero = rewriter.addConstant(
        Constant(Tensor(storage, shape, saturating: parameters?.zeros ?? [0])), name: "\(name)_zero_point")
      return Form(axis: format.strategy == .head ? entry.axes?.head ?? 1 : 0, scale: scale, zero: zero, storage: storage)
    case .channel:
      guard let axes = entry.axes else { throw OperatorError("cache-axes", "the axes of '\(name)' are not known") }
      let scale = try channelScales(type, axes, parameters?.scales ?? [], past)
      return Form(axis: axes.length, block: block(of: past, entry, format), scale: scale, storage: storage)
    case .token:
      guard let axes = entry.axes, let depth = type.shape[axes.channel].constant, depth > 0 else {
        throw OperatorError("cache-axes", "the channels of '\(name)' are not counted")
      }
      var shape = type.shape
      shape[axes.channel] = 1
      let scale = rewriter.addInput(.tensor(TensorType(.float32, shape)), name: "\(name)_scale")
      return Form(axis: axes.channel, block: depth, scale: scale, storage: storage)
    }
  }

  /// Scales of every head and channel, repeated for every image: blocks as long as the cache.
  private mutating func channelScales(
    _ type: TensorType, _ axes: KeyValueCache.Axes, _ scales: [Float], _ past: ValueID
  ) throws(OperatorError) -> ValueID {
    let name = rewriter.graph[past].name
    var shape = type.shape.map { $0.constant ?? 0 }
    (shape[0], shape[axes.length]) = (1, 1)
    guard shape.reduce(1, *) == scales.count else {
      throw OperatorError("cache-axes", "the heads or channels of '\(name)' are not counted")
    }
    let once = rewriter.addConstant(Constant(Tensor(shape, floats: scales)), name: "\(name)_scale")
    let rest = shape.dropFirst().map(Int64.init)
    if type.shape[0].constant == 1 { return once }
    var extents: ValueID
    if let images = type.shape[0].constant {
      extents = rewriter.addConstant(Constant(Tensor([shape.count], integers: [Int64(images)] + rest)), name: "\(name)_scale_shape")
    } else {
      let images = try rewriter.addNode(ShapeOf(start: 0, end: 1), [past], name: "\(name)_images", origin: Origin())
      let others = rewriter.addConstant(Constant(Tensor([rest.count], integers: Array(rest))), name: "\(name)_scale_extents")
      let joined = try rewriter.addNode(
        Concatenate(axis: 0), [rewriter.graph[images].outputs[0], others], name: "\(name)_scale_shape", origin: Origin())
      extents = rewriter.graph[joined].outputs[0]
      // Inference of the expansion needs to know what the extents say.
      let node = rewriter.addNode(
        Expand(), [once, extents], types: [.tensor(TensorType(.float32, [type.shape[0]] + shape.dropFirst().map { .constant($0) }))],
        name: "\(name)_scale_repeated", origin: Origin())
      return rewriter.graph[node].outputs[0]
    }
    let node = try rewriter.addNode(Expand(), [once, extents], name: "\(name)_scale_repeated", origin: Origin())
    return rewriter.graph[node].outputs[0]
  }

  private mutating func redirect(_ readers: [NodeID], from old: ValueID, to new: ValueID) {
    for reader in readers {
      for (index, input) in rewriter.graph[reader].inputs.enumerated() where input == old { rewriter.setInput(index, of: reader, to: new) }
    }
  }
}
