internal import Basic
internal import IR
internal import Ops

/// Keys and values of earlier steps: inputs of a model, and the results that the next step reads.
struct KeyValueCache {
  /// An input that holds entries, and the result that holds those of this step (all, or the new ones); nil where none does.
  struct Entry {
    var past: ValueID
    var written: ValueID?
  }

  private(set) var entries: [Entry] = []

  /// Finds them by structure: an input that an attention reads as its cache, or one to which a step's entries are appended to
  /// make a result of the graph.
  init(_ graph: Graph) {
    let inputs = Set(graph.inputs)
    func isPast(_ value: ValueID?) -> ValueID? {
      guard let value, inputs.contains(value), graph.tensorType(value)?.element == .float32 else { return nil }
      return value
    }
    var found: [ValueID: ValueID?] = [:]
    for id in graph.topologicalOrder() ?? [] {
      let node = graph[id]
      if let attention = node.operation as? any CachedAttention {
        for (slot, index) in attention.cacheInputs.enumerated() where index < node.inputs.count {
          guard let past = isPast(node.inputs[index]) else { continue }
          let output = slot < attention.cacheOutputs.count ? attention.cacheOutputs[slot] : node.outputs.count
          found[past] = output < node.outputs.count ? node.outputs[output] : nil as ValueID?
        }
      } else if node.operation is Concatenate, node.inputs.count == 2, let past = isPast(node.inputs[0]),
        graph.outputs.contains(node.outputs[0])
      {
        found[past] = node.outputs[0]
      }
    }
    let pasts = graph.inputs.filter { found[$0] != nil }
    entries = pasts.map { Entry(past: $0, written: found[$0] ?? nil) }
    pairInPlace(graph)
  }

  /// Engines that write in place get the new entries as results of their own, in the order of the caches and after the model's
  /// other results: they are known by shapes that differ from the caches' along one axis.
  private mutating func pairInPlace(_ graph: Graph) {
    guard entries.allSatisfy({ $0.written == nil }) else { return }
    func fits(_ value: ValueID, _ past: ValueID) -> Bool {
      guard let a = graph.tensorType(value), let b = graph.tensorType(past), a.rank == b.rank, a.element == b.element else { return false }
      return zip(a.shape, b.shape).count { $0 != $1 } <= 1
    }
    let results = graph.outputs.suffix(entries.count).filter { graph[$0].producer != nil }
    guard results.count == entries.count, zip(results, entries).allSatisfy({ fits($0, $1.past) }) else { return }
    for (index, result) in results.enumerated() { entries[index].written = result }
  }

  /// Stores the entries: the input becomes numbers of the format and is read back, the result is rounded to it.
  func store(_ parameters: [QuantizationParameters], in graph: Graph) throws(OperatorError) -> Graph {
    var rewriter = Rewriter(graph)
    for (entry, parameters) in zip(entries, parameters) {
      let name = rewriter.graph[entry.past].name
      let scale = rewriter.addConstant(Constant(Tensor([], floats: parameters.scales)), name: "\(name)_scale")
      let zero = rewriter.addConstant(
        Constant(Tensor(parameters.scheme.storage, [], saturating: parameters.zeros)), name: "\(name)_zero_point")
      if let written = entry.written { try write(written, scale, zero, &rewriter) }
      guard var type = rewriter.graph.tensorType(entry.past) else { continue }
      type.element = parameters.scheme.storage
      let readers = Set(rewriter.users(of: entry.past)).sorted()
      rewriter.setType(.tensor(type), of: entry.past)
      let back = try rewriter.addNode(Dequantize(axis: 0), [entry.past, scale, zero], name: "\(name)_dequantize", origin: Origin())
      redirect(readers, from: entry.past, to: rewriter.graph[back].outputs[0], &rewriter)
    }
    return rewriter.finish()
  }

  private func write(
    _ value: ValueID, _ scale: ValueID, _ zero: ValueID, _ rewriter: inout Rewriter
  ) throws(OperatorError) {
    let readers = Set(rewriter.users(of: value)).sorted()
    let name = rewriter.graph[value].name
    let node = try rewriter.addNode(
      Quantize(axis: 0, storage: nil), [value, scale, zero], name: "\(name)_quantize", origin: Origin())
    let stored = rewriter.graph[node].outputs[0]
    // The result keeps the name that the next step knows it by.
    rewriter.rename(value, to: "\(name)_real")
    rewriter.rename(stored, to: name)
    rewriter.setOutputs(rewriter.graph.outputs.map { $0 == value ? stored : $0 })
    guard !readers.isEmpty else { return }
    let back = try rewriter.addNode(Dequantize(axis: 0), [stored, scale, zero], name: "\(name)_dequantize", origin: Origin())
    redirect(readers, from: value, to: rewriter.graph[back].outputs[0], &rewriter)
  }

  private func redirect(_ readers: [NodeID], from old: ValueID, to new: ValueID, _ rewriter: inout Rewriter) {
    for reader in readers {
      for (index, input) in rewriter.graph[reader].inputs.enumerated() where input == old { rewriter.setInput(index, of: reader, to: new) }
    }
  }
}

extension KeyValueCache {
  /// Scales of every entry: one for the past and what is written. Without data, float8 numbers are stored as they are.
  func parameters(_ format: CacheFormat, _ graph: Graph, _ context: CompressionContext) throws(Failure) -> [QuantizationParameters] {
    let plain = QuantizationParameters(format.scheme, scales: [1], zeros: [0])
    guard context.calibration != nil else { return entries.map { _ in plain } }
    let box = RangeBox(entries.map(\.past), entries.map(\.written))
    let prepared = try context.runner.prepare(graph)
    for batch in try context.calibrationBatches(for: graph) {
      for (input, datum) in zip(graph.inputs, batch) { if let tensor = datum?.tensor { box.add(tensor, of: input) } }
      _ = try prepared.run(batch) { value, tensor in box.add(tensor, of: value) }
    }
    return try entries.enumerated().map { (index, entry) throws(Failure) in
      guard let range = box.ranges[index]?.range(format.calibrator, format.scheme, percentile: format.percentile) else {
        throw Failure("the calibration data says nothing about '\(graph[entry.past].name)'")
      }
      let (scale, zero) = QuantizationParameters.covering(range.low, range.high, format.scheme)
      return QuantizationParameters(format.scheme, scales: [scale], zeros: [zero])
    }
  }
}

/// Ranges of entries, by their position.
private final class RangeBox {
  private(set) var ranges: [Int: ObservedRange] = [:]
  private var positions: [ValueID: Int] = [:]

  init(_ pasts: [ValueID], _ written: [ValueID?]) {
    for (index, value) in pasts.enumerated() { positions[value] = index }
    for case let (index, value?) in written.enumerated() { positions[value] = index }
  }

  func add(_ tensor: Tensor, of value: ValueID) {
    guard let position = positions[value], case .float32(let values) = tensor.elements else { return }
    ranges[position, default: ObservedRange()].add(values)
  }
}
