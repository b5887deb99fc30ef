package import Basic
package import Compression
internal import Foundation
internal import IR
internal import Numerics

/// Which layers of a model can do with few bits: the study, as a table and as data.
package struct SensitivityReport: Sendable, Codable {
  package static let schemaName = "cyclewright.sensitivity/1"

  package var schema = SensitivityReport.schemaName
  package var model: String
  package var metric: String
  package var bits: [Int]
  package var samples: Int
  package var layers: [SensitivityStudy.Layer]

  /// What is studied.
  package struct Request: Sendable {
    package var model: ModelRequest
    package var calibration: String
    package var metric: String
    package var bits = [2, 4, 8]
    package var samples = 64
    package var seed: UInt64 = 0
    package var progress: @Sendable (String, Double) -> Void = { _, _ in }

    package init(model: ModelRequest, calibration: String, metric: String) {
      self.model = model
      self.calibration = calibration
      self.metric = metric
    }
  }

  package init(_ request: Request) throws(Failure) {
    let known = SensitivityStudy.Metric.allCases.map(\.rawValue)
    guard let metric = SensitivityStudy.Metric(rawValue: request.metric) else {
      let near = nearestSpelling(to: request.metric, in: known).map { "did you mean \($0)?" }
      throw Failure("--metric \(request.metric) is not known", fix: near ?? "one of \(known.joined(separator: ", "))")
    }
    guard !request.bits.isEmpty, request.bits.allSatisfy({ (2...16).contains($0) }) else {
      throw Failure("--bits: each number of bits is from 2 to 16", fix: "for example --bits 4,8")
    }
    let loaded = try LoadedModel(request.model)
    let archive = try TensorArchive(path: request.calibration)
    let set = try SampleSet(archive.inputs(of: loaded.graph), source: request.calibration).prefix(request.samples)
    let layers = LinearLayer.all(in: loaded.graph)
    guard !layers.isEmpty else { throw Failure("the model has no convolution or matrix product with constant weights") }
    var study = SensitivityStudy(metric, bits: request.bits)
    study.seed = request.seed
    self.layers = try study.run(loaded.graph, layers, try set.batches(of: 32, for: loaded.graph)) {
      request.progress("sensitivity", $0)
    }
    model = loaded.name
    self.metric = metric.rawValue
    bits = study.bits
    samples = set.count
  }

  package func json() throws(Failure) -> String { try prettyJSON(self) }

  /// The most sensitive layers first, judged at the fewest bits.
  package func text() -> String {
    let shown = metric == SensitivityStudy.Metric.sqnr.rawValue ? "dB" : metric
    var table = TextTable([("layer", .left), ("params", .right)] + bits.map { ("\($0) bit, \(shown)", .right) })
    for layer in layers.sorted(by: { ($1.losses.first ?? 0, $0.name) < ($0.losses.first ?? 0, $1.name) }) {
      table.add([layer.name, "\(layer.parameters)"] + layer.losses.map(cell))
    }
    let kind =
      metric == "hessian"
      ? "mean trace × squared change of the weights" : metric == "kl" ? "divergence of the outputs" : "SQNR of the outputs"
    return table.render() + "\n\n\(layers.count) layers, one changed at a time; \(kind); \(samples) samples of calibration data\n"
  }

  private func cell(_ loss: Double) -> String {
    guard metric == SensitivityStudy.Metric.sqnr.rawValue else { return String(format: "%.3e", loss) }
    return loss > 0 ? String(format: "%.1f", -10 * log10(loss)) : "exact"
  }
}

extension TensorArchive {
  /// The arrays a graph's inputs take: those of the same names; for one input and no such name the first whose shape fits.
  fileprivate func inputs(of graph: Graph) -> [(name: String, tensor: Tensor)] {
    let names = Set(graph.inputs.map { graph[$0].name })
    let named = entries.filter { names.contains($0.name) }.map { (name: $0.name, tensor: $0.tensor) }
    guard named.isEmpty, graph.inputs.count == 1, let type = graph.tensorType(graph.inputs[0]) else {
      return named.isEmpty ? entries.map { (name: $0.name, tensor: $0.tensor) } : named
    }
    let fitting = entries.first { entry in
      entry.tensor.rank == type.rank
        && zip(entry.tensor.shape, type.shape).dropFirst().allSatisfy { $1.constant == nil || $1.constant == $0 }
    }
    return (fitting.map { [$0] } ?? entries).map { (name: $0.name, tensor: $0.tensor) }
  }
}
