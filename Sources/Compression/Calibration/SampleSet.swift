package import Basic
package import IR
internal import Ops

/// Samples of a model's inputs, stacked along the first axis, with labels where they are known.
package struct SampleSet: Sendable {
  /// Arrays by name, each [sample, …].
  package private(set) var arrays: [(name: String, tensor: Tensor)]
  /// Class of each sample.
  package private(set) var labels: [Int]?
  package private(set) var count: Int
  /// Where the samples came from, for messages.
  package let source: String

  /// Checks that all arrays have the same number of samples and that floats are finite.
  package init(_ arrays: [(name: String, tensor: Tensor)], labels: [Int]? = nil, source: String) throws(Failure) {
    let location = SourceLocation(file: source)
    guard let first = arrays.first, let count = first.tensor.shape.first, count > 0 else {
      throw Failure("there are no samples", at: location)
    }
    for (name, tensor) in arrays {
      guard tensor.shape.first == count else {
        throw Failure("'\(name)' has \(tensor.shape.first ?? 0) samples but '\(first.name)' has \(count)", at: location)
      }
      if case .float32(let values) = tensor.elements, let bad = values.firstIndex(where: { !$0.isFinite }) {
        throw Failure("'\(name)' holds \(values[bad]) at element \(bad)", at: location, fix: "remove or replace the sample")
      }
    }
    if let labels, labels.count != count {
      throw Failure("there are \(labels.count) labels for \(count) samples", at: location)
    }
    self.arrays = arrays
    self.labels = labels
    self.count = count
    self.source = source
  }

  /// Samples to run at once so that what a model holds stays small: about a million input elements, 1 to 64 samples.
  package var usualBatch: Int {
    let each = arrays.reduce(1) { $0 + $1.tensor.count / max(1, count) }
    return min(64, max(1, (1 << 20) / each))
  }

  /// The first `limit` samples.
  package func prefix(_ limit: Int) -> SampleSet {
    guard limit < count, limit > 0 else { return self }
    var result = self
    result.arrays = arrays.map { ($0.name, $0.tensor.samples(0..<limit)) }
    result.labels = labels.map { Array($0.prefix(limit)) }
    result.count = limit
    return result
  }

  /// The first `limit` samples, but no fewer than a model with a fixed batch takes at once.
  package func prefix(_ limit: Int, for graph: Graph) -> SampleSet { prefix(max(limit, Self.fixedBatch(of: graph) ?? 1)) }

  private static func fixedBatch(of graph: Graph) -> Int? {
    graph.inputs.lazy.compactMap { graph.tensorType($0)?.shape.first?.constant }.first
  }

  /// Batches aligned with the inputs of a graph. A graph whose leading extent is fixed decides the size of a batch, and
  /// samples that do not fill one are left out.
  package func batches(of size: Int, for graph: Graph) throws(Failure) -> [[Datum?]] {
    let sources = try aligned(with: graph)
    let fixed = Self.fixedBatch(of: graph)
    let step = fixed ?? min(max(1, size), count)
    guard step > 0, step <= count else {
      throw Failure("the model takes \(step) samples at once, the file has \(count)", at: SourceLocation(file: source))
    }
    var result: [[Datum?]] = []
    var start = 0
    while start < count {
      let end = min(start + step, count)
      guard fixed == nil || end - start == step else { break }
      result.append(sources.map { .tensor($0.samples(start..<end)) })
      start = end
    }
    return result
  }

  /// One array per input, converted to its element type. A model with one input takes the only array whatever its name.
  private func aligned(with graph: Graph) throws(Failure) -> [Tensor] {
    let location = SourceLocation(file: source)
    let caches = StoredInputs(graph)
    var result: [Tensor] = []
    for input in graph.inputs {
      let name = graph[input].name
      guard let type = graph.tensorType(input) else { throw Failure("input '\(name)' is not a tensor", at: location) }
      if let cache = caches.cache(scaledBy: input), let array = arrays.first(where: { $0.name == graph[cache].name }),
        array.tensor.element == .float32, !arrays.contains(where: { $0.name == name })
      {
        result.append(try explained(name) { () throws(OperatorError) in try caches.scales(of: array.tensor, for: cache) })
        continue
      }
      let only = graph.inputs.count == 1 && arrays.count == 1 ? arrays.first : nil
      guard let array = arrays.first(where: { $0.name == name }) ?? only else {
        let known = arrays.map(\.name)
        let near = nearestSpelling(to: name, in: known).map { "did you mean \($0)?" }
        throw Failure(
          "no array for input '\(name)' of the model", at: location,
          fix: near ?? "the file has \(known.joined(separator: ", ")); name one of them '\(name)'")
      }
      let shape = array.tensor.shape
      let fits = shape.count == type.rank && zip(shape, type.shape).dropFirst().allSatisfy { $1.constant == nil || $1.constant == $0 }
      guard fits else {
        let wanted = type.shape.map(\.description).joined(separator: ", ")
        throw Failure("'\(array.name)' is \(shape) but input '\(name)' takes [\(wanted)]", at: location)
      }
      if array.tensor.element == .float32, type.element != .float32,
        let stored = try explained(name, { () throws(OperatorError) in try caches.stored(array.tensor, for: input) })
      {
        // Real numbers for an input that holds stored ones: by the scales with which the graph reads them back.
        result.append(stored)
      } else {
        result.append(try converted(array.tensor, to: type.element, name: array.name))
      }
    }
    let used = Set(graph.inputs.map { graph[$0].name })
    if arrays.count > 1, let extra = arrays.first(where: { !used.contains($0.name) }) {
      throw Failure(
        "the model has no input '\(extra.name)'", at: location,
        fix: "its inputs are \(used.sorted().joined(separator: ", ")); remove the array, or call it label if it holds classes")
    }
    return result
  }

  private func converted(_ tensor: Tensor, to element: ElementType, name: String) throws(Failure) -> Tensor {
    guard tensor.element != element else { return tensor }
    return try explained(name) { () throws(OperatorError) in Tensor(element, tensor.shape, rounding: try tensor.doubles()) }
  }

  private func explained<T>(_ name: String, _ body: () throws(OperatorError) -> T) throws(Failure) -> T {
    do throws(OperatorError) { return try body() } catch { throw Failure("'\(name)': \(error)", at: SourceLocation(file: source)) }
  }
}

extension Tensor {
  /// Some of the samples of a stack.
  package func samples(_ range: Range<Int>) -> Tensor {
    let each = shape.dropFirst().reduce(1, *)
    let part = (range.lowerBound * each)..<(range.upperBound * each)
    let elements: Elements =
      switch self.elements {
      case .float32(let values): .float32(Array(values[part]))
      case .float64(let values): .float64(Array(values[part]))
      case .int8(let values): .int8(Array(values[part]))
      case .uint8(let values): .uint8(Array(values[part]))
      case .int32(let values): .int32(Array(values[part]))
      case .int64(let values): .int64(Array(values[part]))
      case .bool(let values): .bool(Array(values[part]))
      case .string(let values): .string(Array(values[part]))
      }
    return Tensor(element, [range.count] + shape.dropFirst(), elements)
  }
}
