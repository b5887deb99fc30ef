import Basic
import Foundation
import Frontend
import IR
import Numerics

/// Runs one model on `input_N.pb` of a folder and leaves `output_N.pb` and the model written back, `written.onnx`.
enum ModelRun {
  static func run(model: String, folder: String, dimensions: [String: Int], _ path: Evaluator.Path) throws {
    let clock = ContinuousClock()
    let start = clock.now
    let graph = try ModelLoader.load(path: model, dimensions: dimensions)
    print("import \((clock.now - start).seconds)")
    let inputs = try graph.inputs.enumerated().map { index, id -> Datum? in
      try TensorFile.read(path: "\(folder)/input_\(index).pb", as: graph[id].type)
    }
    let prepared = try PreparedGraph(graph, Evaluator(path: path))
    var outputs: [Datum] = []
    for _ in 0..<3 {
      let begin = clock.now
      outputs = try prepared.run(inputs)
      print("seconds \((clock.now - begin).seconds)")
    }
    for (index, output) in outputs.enumerated() {
      guard let tensor = output.tensor else { throw Failure("output \(index) is no tensor") }
      try TensorFile.write(tensor, to: "\(folder)/output_\(index).pb")
    }
    try ONNXExporter.write(graph, to: "\(folder)/written.onnx")
  }

  /// Seconds by node, the slowest first.
  static func profile(model: String, dimensions: [String: Int]) throws {
    let graph = try ModelLoader.load(path: model, dimensions: dimensions)
    let inputs = try SeededInputs.inputs(of: graph, seed: 1)
    let clock = ContinuousClock()
    let spent = Spent()
    let prepared = try PreparedGraph(graph)
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
