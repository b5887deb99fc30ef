package import Basic
package import IR
internal import Numerics
internal import Ops

/// Errors of every stored tensor: as rounded real numbers, and as the target's integers.
package struct IntegerReport: Sendable, Hashable, Codable {
  package struct Row: Sendable, Hashable, Codable {
    /// Name of the value that is stored.
    package var tensor: String
    /// Source node that makes it; nil for an input of the model.
    package var node: String? = nil
    /// dB of the restored numbers against the original model, computed with real arithmetic.
    package var fakeDecibels: Double?
    /// The same, computed with integer arithmetic.
    package var integerDecibels: Double?
    /// Largest difference between both, in steps of the last bit: what differences of layers before have grown to is in it.
    package var largestGap: Int
    /// The same when both compute this tensor from the same stored integers.
    package var ownGap: Int
    /// Share of elements that differ.
    package var differingShare: Double
  }

  /// True when a graph stores integers with scales known beforehand.
  package static func applies(to graph: Graph) -> Bool { !StoredValues(graph).values.isEmpty }

  package var rows: [Row]
  package var samples: Int
  /// Sums the accumulator could not hold.
  package var overflows: Int
}

/// Runs original, rounded and integer model side by side on a few batches.
package struct IntegerComparison {
  package var arithmetic: IntegerArithmetic
  package var runner: any GraphRunner

  package init(_ arithmetic: IntegerArithmetic, runner: any GraphRunner = EvaluatorRunner()) {
    self.arithmetic = arithmetic
    self.runner = runner
  }

  /// - Parameter exactBatches: the same samples for the inputs of the original, where those differ from the graph's.
  package func run(
    _ graph: Graph, original: Graph, batches: [[Datum?]], exactBatches: [[Datum?]]? = nil
  ) throws(Failure) -> IntegerReport {
    let stored = StoredValues(graph)
    let execution = try IntegerExecution(graph, arithmetic)
    let (exactRun, roundedRun) = (try runner.prepare(original), try runner.prepare(graph))
    let replay = try PreparedGraph(graph, Evaluator(path: .fast, threads: 1))
    let names = Set(stored.values.map(\.name))
    let wanted = Set(original.valueIDs.filter { names.contains(original[$0].name) })
    let parts = try concurrently(batches.count) { index throws(Failure) in
      let batch = batches[index]
      var exact: [String: Tensor] = [:]
      let plain = exactBatches?[index] ?? batch
      for (id, datum) in zip(original.inputs, plain) where wanted.contains(id) { exact[original[id].name] = datum?.tensor }
      _ = try exactRun.run(plain) { id, tensor in if wanted.contains(id) { exact[original[id].name] = tensor } }
      var integers: [ValueID: Tensor] = [:]
      let overflows = try execution.run(batch) { integers[$0] = $1 }.overflows
      var rounded: [ValueID: Tensor] = [:]
      _ = try roundedRun.run(batch) { id, tensor in if integers[id] != nil { rounded[id] = tensor } }
      // Every layer once more in rounded real numbers, each on the integers of those before.
      var own: [ValueID: Int] = [:]
      _ = try replay.run(batch) { id, datum in
        guard let tensor = integers[id], case .tensor(let found) = datum else { return datum }
        own[id] = Self.largestDifference(found, tensor)
        return .tensor(tensor)
      }
      var rows: [Tally] = []
      for value in stored.values {
        var tally = Tally(value: value)
        if let a = rounded[value.stored], let b = integers[value.stored] {
          do throws(OperatorError) {
            try tally.add(rounded: a, integer: b, reference: exact[value.name], own: own[value.stored] ?? 0)
          } catch { throw Failure("'\(value.name)': \(error)") }
        }
        rows.append(tally)
      }
      return (rows: rows, overflows: overflows, samples: batch.first.flatMap { $0?.tensor?.shape.first } ?? 1)
    }
    var tally = stored.values.map { Tally(value: $0) }
    for part in parts { for index in tally.indices { tally[index].add(part.rows[index]) } }
    return IntegerReport(
      rows: tally.map(\.row), samples: parts.reduce(0) { $0 + $1.samples }, overflows: parts.reduce(0) { $0 + $1.overflows })
  }

  private static func largestDifference(_ a: Tensor, _ b: Tensor) -> Int {
    guard let x = try? a.integers(), let y = try? b.integers(), x.count == y.count else { return 0 }
    return zip(x, y).reduce(0) { max($0, Int(abs($1.0 - $1.1))) }
  }
}

/// Where a graph stores integers with one scale.
struct StoredValues {
  struct Value: Sendable {
    /// Result of the `quantize`.
    var stored: ValueID
    /// Name of what it stores.
    var name: String
    /// Source node that makes it.
    var node: String?
    var scale: Float
    var zero: Double
  }

  let values: [Value]

  init(_ graph: Graph) {
    values = (graph.topologicalOrder() ?? []).compactMap { id in
      let node = graph[id]
      guard node.operation is Quantize, node.inputs.count > 2, let input = node.inputs[0], let scale = graph.constant(node.inputs[1]),
        let scales = Tensor(scale).flatMap({ try? $0.floats() }), scales.count == 1
      else { return nil }
      let zero = graph.constant(node.inputs[2]).flatMap { Tensor($0) }.flatMap { try? $0.doubles().first } ?? 0
      let maker = graph.producer(input).flatMap { graph[$0].origin.names.first }
      // A stored result of the graph has taken the name over.
      let named = graph.outputs.contains(node.outputs[0]) ? node.outputs[0] : input
      return Value(stored: node.outputs[0], name: graph[named].name, node: maker, scale: scales[0], zero: zero)
    }
  }
}

/// Sums over batches for one stored tensor.
private struct Tally: Sendable {
  let value: StoredValues.Value
  private var signal = 0.0
  private var fakeNoise = 0.0
  private var integerNoise = 0.0
  private var largest = 0
  private var own = 0
  private var differing = 0
  private var count = 0

  init(value: StoredValues.Value) { self.value = value }

  mutating func add(rounded: Tensor, integer: Tensor, reference: Tensor?, own: Int) throws(OperatorError) {
    let (a, b) = (try rounded.doubles(), try integer.doubles())
    guard a.count == b.count else { return }
    self.own = own
    let r = try reference?.doubles()
    count += a.count
    for index in a.indices {
      let gap = Int((a[index] - b[index]).magnitude)
      largest = max(largest, gap)
      if gap > 0 { differing += 1 }
      guard let r, r.count == a.count else { continue }
      let (x, y) = ((a[index] - value.zero) * Double(value.scale), (b[index] - value.zero) * Double(value.scale))
      signal += r[index] * r[index]
      fakeNoise += (x - r[index]) * (x - r[index])
      integerNoise += (y - r[index]) * (y - r[index])
    }
  }

  /// Adds what another batch gave.
  mutating func add(_ other: Tally) {
    signal += other.signal
    fakeNoise += other.fakeNoise
    integerNoise += other.integerNoise
    largest = max(largest, other.largest)
    own = max(own, other.own)
    differing += other.differing
    count += other.count
  }

  var row: IntegerReport.Row {
    IntegerReport.Row(
      tensor: value.name, node: value.node, fakeDecibels: signal > 0 ? decibels(signal, fakeNoise) : nil,
      integerDecibels: signal > 0 ? decibels(signal, integerNoise) : nil, largestGap: largest, ownGap: own,
      differingShare: Double(differing) / Double(max(1, count)))
  }
}
