import Basic
import Foundation
import Frontend
import IR
import Numerics
import Passes

/// Runs one model on `input_N.pb` of a folder and leaves `output_N.pb` and the model written back, `written.onnx`.
struct ModelRun {
  let model: String
  var dimensions: [String: Int] = [:]
  var evaluator = Evaluator()
  /// Passes to run first; none for the model as imported.
  var passes: [GraphPass] = []

  func run(folder: String) throws {
    let graph = try transformed()
    let outputs = try PreparedGraph(graph, evaluator).run(try inputs(of: graph, in: folder))
    for (index, output) in outputs.enumerated() {
      guard let tensor = output.tensor else { throw Failure("output \(index) is no tensor") }
      try TensorFile.write(tensor, to: "\(folder)/output_\(index).pb")
    }
    try ONNXExporter.write(graph, to: "\(folder)/written.onnx")
  }

  /// Prints the seconds of several runs of the prepared graph.
  func time(folder: String) throws {
    let graph = try transformed()
    let data = try inputs(of: graph, in: folder)
    let prepared = try PreparedGraph(graph, evaluator)
    for _ in 0..<6 {
      let clock = ContinuousClock()
      let begin = clock.now
      _ = try prepared.run(data)
      print("seconds \((clock.now - begin).seconds)")
    }
  }

  private func inputs(of graph: Graph, in folder: String) throws -> [Datum?] {
    try graph.inputs.enumerated().map { index, id in
      try TensorFile.read(path: "\(folder)/input_\(index).pb", as: graph[id].type)
    }
  }

  private func transformed() throws -> Graph {
    let graph = try ModelLoader.load(path: model, dimensions: dimensions)
    var reports: [PassManager.Report] = []
    return try PassManager(passes).run(graph, PassContext(), reports: &reports)
  }

  /// Seconds by operator, the slowest first.
  func profile() throws {
    let graph = try transformed()
    let inputs = try SeededInputs.inputs(of: graph, seed: 1)
    let clock = ContinuousClock()
    let spent = Spent()
    let prepared = try PreparedGraph(graph, evaluator)
    _ = try prepared.run(inputs)
    spent.last = clock.now
    _ = try prepared.run(inputs, observing: nil) { id, _ in
      let now = clock.now
      if let producer = graph.producer(id) {
        spent.seconds[type(of: graph[producer].operation).name, default: 0] += (now - spent.last).seconds
      }
      spent.last = now
    }
    for (name, seconds) in spent.seconds.sorted(by: { $0.value > $1.value }).prefix(15) {
      print("\(name) \((seconds * 1e5).rounded() / 100) ms")
    }
  }

  private final class Spent {
    var last = ContinuousClock.now
    var seconds: [String: Double] = [:]
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
