package import Basic
package import IR
internal import Ops

/// Errors of every stored tensor: as rounded real numbers, and as the target's integers.
package struct IntegerReport: Sendable, Hashable, Codable {
  package struct Row: Sendable, Hashable, Codable {
    /// Name of the value that is stored.
    package var tensor: String
    /// dB of the restored numbers against the original model, computed with real arithmetic.
    package var fakeDecibels: Double?
    /// The same, computed with integer arithmetic.
    package var integerDecibels: Double?
    /// Largest difference between both, in steps of the last bit.
    package var largestGap: Int
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

  package func run(_ graph: Graph, original: Graph, batches: [[Datum?]]) throws(Failure) -> IntegerReport {
    let stored = StoredValues(graph)
    let execution = try IntegerExecution(graph, arithmetic)
    var tally = stored.values.map { Tally(value: $0) }
    var (samples, overflows) = (0, 0)
    for batch in batches {
      let exact = try Recording(runner, original, batch).byName
      let fake = try Recording(runner, graph, batch).byValue
      var integers: [ValueID: Tensor] = [:]
      overflows += try execution.run(batch) { integers[$0] = $1 }.overflows
      samples += batch.first.flatMap { $0?.tensor?.shape.first } ?? 1
      for index in tally.indices {
        guard let a = fake[tally[index].value.stored], let b = integers[tally[index].value.stored] else { continue }
        let reference = exact[tally[index].value.name]
        do throws(OperatorError) { try tally[index].add(fake: a, integer: b, reference: reference) } catch {
          throw Failure("'\(tally[index].value.name)': \(error)")
        }
      }
    }
    return IntegerReport(rows: tally.map(\.row), samples: samples, overflows: overflows)
  }
}

/// Where a graph stores integers with one scale.
struct StoredValues {
  struct Value {
    /// Result of the `quantize`.
    var stored: ValueID
    /// Name of what it stores.
    var name: String
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
      return Value(stored: node.outputs[0], name: graph[input].name, scale: scales[0], zero: zero)
    }
  }
}

/// Every tensor of one run.
private final class Recording {
  private(set) var byValue: [ValueID: Tensor] = [:]
  private(set) var byName: [String: Tensor] = [:]

  init(_ runner: any GraphRunner, _ graph: Graph, _ batch: [Datum?]) throws(Failure) {
    for (id, datum) in zip(graph.inputs, batch) { byName[graph[id].name] = datum?.tensor }
    _ = try runner.run(graph, batch) { [self] id, tensor in
      byValue[id] = tensor
      byName[graph[id].name] = tensor
    }
  }
}

/// Sums over batches for one stored tensor.
private struct Tally {
  let value: StoredValues.Value
  private var signal = 0.0
  private var fakeNoise = 0.0
  private var integerNoise = 0.0
  private var largest = 0
  private var differing = 0
  private var count = 0

  init(value: StoredValues.Value) { self.value = value }

  mutating func add(fake: Tensor, integer: Tensor, reference: Tensor?) throws(OperatorError) {
    let (a, b) = (try fake.doubles(), try integer.doubles())
    guard a.count == b.count else { return }
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

  var row: IntegerReport.Row {
    IntegerReport.Row(
      tensor: value.name, fakeDecibels: signal > 0 ? decibels(signal, fakeNoise) : nil,
      integerDecibels: signal > 0 ? decibels(signal, integerNoise) : nil, largestGap: largest,
      differingShare: Double(differing) / Double(max(1, count)))
  }
}
