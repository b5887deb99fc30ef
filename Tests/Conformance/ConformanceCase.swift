import Basic
import Foundation
import Frontend
import IR
import Numerics

/// One folder of the suite: a model and data sets of inputs with expected outputs, or a light model with its output.
struct ConformanceCase {
  let group: String
  let name: String
  let model: String
  /// Folders with `input_N.pb` and `output_N.pb`; empty for light models.
  let dataSets: [String]
  let lightOutput: String?

  var id: String { "\(group)/\(name)" }

  /// Relative tolerance: the backend runner's default, 2e-3 where the suite says so.
  var relative: Double { name.contains("densenet121") ? 2e-3 : 1e-3 }
  var absolute: Double { 1e-7 }

  /// All cases below `onnx/backend/test/data`, in a fixed order.
  static func all(in suite: String) throws -> [ConformanceCase] {
    let files = FileManager.default
    var cases: [ConformanceCase] = []
    for group in ["node", "simple", "pytorch-converted", "pytorch-operator"] {
      let root = "\(suite)/\(group)"
      for name in try files.contentsOfDirectory(atPath: root).sorted() {
        let folder = "\(root)/\(name)"
        guard files.fileExists(atPath: "\(folder)/model.onnx") else { continue }
        let sets = try files.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("test_data_set_") }.sorted()
        cases.append(
          ConformanceCase(
            group: group, name: name, model: "\(folder)/model.onnx", dataSets: sets.map { "\(folder)/\($0)" },
            lightOutput: nil))
      }
    }
    for file in try files.contentsOfDirectory(atPath: "\(suite)/light").sorted() where file.hasSuffix(".onnx") {
      let name = String(file.dropLast(5))
      cases.append(
        ConformanceCase(
          group: "light", name: name, model: "\(suite)/light/\(file)", dataSets: [],
          lightOutput: "\(suite)/light/\(name)_output_0.pb"))
    }
    return cases
  }

  /// What went right, and the first thing that did not.
  struct Outcome {
    var imported = false
    var typesAgree = false
    var evaluated = false
    var problem = ""
  }

  func run(_ chosen: Evaluator.Path) -> Outcome {
    let path = Exceptions.referenceOnly[id] == nil ? chosen : .reference
    var outcome = Outcome()
    do {
      let graph = try ModelLoader.load(path: model)
      outcome.imported = true
      let problems = graph.verify()
      guard problems.isEmpty else { throw Failure(problems) }
      try compare(graph, path, &outcome)
    } catch {
      outcome.problem = "\(error)".replacing("\n", with: " | ")
    }
    return outcome
  }

  private func compare(_ graph: Graph, _ path: Evaluator.Path, _ outcome: inout Outcome) throws {
    if let lightOutput {
      let expected = try TensorFile.read(path: lightOutput, as: graph[graph.outputs[0]].type)
      try checkTypes(graph, [expected])
      outcome.typesAgree = true
      try evaluate(graph, try lightInputs(graph), [expected], path)
    }
    for folder in dataSets {
      let inputs = try read(graph.inputs, of: graph, "\(folder)/input_")
      let expected = try read(graph.outputs, of: graph, "\(folder)/output_")
      try checkTypes(graph, expected)
      outcome.typesAgree = true
      try evaluate(graph, inputs, expected, path)
    }
    outcome.evaluated = true
  }

  /// The suite's rule for light models: i / n for element i of n.
  private func lightInputs(_ graph: Graph) throws -> [Datum?] {
    try graph.inputs.map { id in
      guard let type = graph.tensorType(id), let shape = type.constantShape else {
        throw Failure("input '\(graph[id].name)' has no fixed shape")
      }
      let count = shape.reduce(1, *)
      return .tensor(Tensor(type.element, shape, rounding: (0..<count).map { Double($0) / Double(count) }))
    }
  }

  private func read(_ values: [ValueID], of graph: Graph, _ prefix: String) throws -> [Datum] {
    try values.enumerated().map { try TensorFile.read(path: "\(prefix)\($0).pb", as: graph[$1].type) }
  }

  /// Inferred element types, ranks and fixed extents are those of the expected results.
  private func checkTypes(_ graph: Graph, _ expected: [Datum]) throws {
    for (output, datum) in zip(graph.outputs, expected) {
      let inferred = graph[output].type
      guard inferred.describes(datum) else {
        throw Failure("output '\(graph[output].name)': inferred \(inferred) does not describe \(datum.summary)")
      }
    }
  }

  private func evaluate(_ graph: Graph, _ inputs: [Datum?], _ expected: [Datum], _ path: Evaluator.Path) throws {
    let results = try Evaluator(path: path).run(graph, inputs: inputs)
    for (index, pair) in zip(results, expected).enumerated() {
      if let found = mismatch(pair.0, pair.1, relative: relative, absolute: absolute) {
        throw Failure("output \(index): \(found)")
      }
    }
  }
}

extension ValueType {
  func describes(_ datum: Datum) -> Bool {
    switch (self, datum) {
    case (.tensor(let type), .tensor(let tensor)):
      type.element == tensor.element && type.rank == tensor.rank
        && zip(type.shape, tensor.shape).allSatisfy { $0.constant == nil || $0.constant == $1 }
    case (.unranked(let element), .tensor(let tensor)): element == tensor.element
    case (.sequence(let element), .sequence(let data)): data.allSatisfy(element.describes)
    case (.optional(let element), .optional(let datum)): datum.map(element.describes) ?? true
    case (.optional(let element), let datum): element.describes(datum)
    default: false
    }
  }
}

extension Datum {
  var summary: String {
    switch self {
    case .tensor(let tensor): "\(tensor.element.rawValue)\(tensor.shape)"
    case .sequence(let data): "a sequence of \(data.count)"
    case .optional(let datum): "an optional \(datum?.summary ?? "nothing")"
    }
  }
}
