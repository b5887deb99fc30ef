internal import Basic
internal import IR
internal import Numerics

/// Evaluates a graph before and after a pass on seeded inputs and compares with what the pass promises.
enum PromiseCheck {
  private static let seed: UInt64 = 2024

  static func check(_ pass: GraphPass, before: Graph, after: Graph) throws(Failure) {
    let allowed: Double
    switch pass.preserves {
    case .bitExact: allowed = 0
    case .values(let relative): allowed = relative
    case .lossy: return
    }
    let sizes = seededSizes(before)
    let (expected, actual) = (try evaluate(before.binding(sizes)), try evaluate(after.binding(sizes)))
    guard expected.count == actual.count else {
      throw Failure("pass '\(pass.name)' changed the number of outputs from \(expected.count) to \(actual.count)")
    }
    for (index, pair) in zip(expected, actual).enumerated() {
      guard case .tensor(let a) = pair.0, case .tensor(let b) = pair.1 else { continue }
      do throws(OperatorError) {
        let error = try Comparison(b, a).relativeError
        guard error <= allowed else {
          let name = after[after.outputs[index]].name
          throw OperatorError("promise", "output '\(name)' is off by \(error) relative, promised \(pass.preserves)")
        }
      } catch {
        throw Failure("pass '\(pass.name)' breaks its promise: \(error.message)")
      }
    }
  }

  /// Small extents for the symbols of the inputs, by name: the same before and after, and in every run.
  private static func seededSizes(_ graph: Graph) -> [String: Int] {
    let symbols = graph.inputs.reduce(into: Set<String>()) { $0.formUnion(graph[$1].type.symbols) }.sorted()
    var sizes: [String: Int] = [:]
    for (index, symbol) in symbols.enumerated() { sizes[symbol] = 2 + Int(SeededInputs.mix(seed, UInt64(index)) % 4) }
    return sizes
  }

  /// Both graphs see the same inputs; weights without values are made from their names, which passes keep.
  private static func evaluate(_ graph: Graph) throws(Failure) -> [Datum] {
    do throws(OperatorError) {
      let inputs = try SeededInputs.inputs(of: graph, seed: seed)
      return try Evaluator(path: .reference, seed: seed).failable(graph, inputs)
    } catch {
      throw Failure("the graph cannot be evaluated: \(error)")
    }
  }
}

extension Evaluator {
  fileprivate func failable(_ graph: Graph, _ inputs: [Datum?]) throws(OperatorError) -> [Datum] {
    do throws(Failure) { return try run(graph, inputs: inputs) } catch {
      throw OperatorError("evaluation", error.diagnostics.first?.message ?? "unknown error")
    }
  }
}

extension Graph {
  /// With numbers for the extents of the inputs; evaluation needs no others.
  fileprivate func binding(_ sizes: [String: Int]) -> Graph {
    guard !sizes.isEmpty else { return self }
    var rewriter = Rewriter(self)
    for input in inputs { rewriter.setType(self[input].type.bound(sizes), of: input) }
    return rewriter.finish()
  }
}
