internal import Foundation
package import Basic
package import Compression
package import IR
internal import Recipes

/// Everything `compress` found: what `--json` writes and the terminal shows.
package struct CompressionReport: Sendable, Codable {
  package struct Latency: Sendable, Codable, Hashable {
    package var target: String
    package var beforeSeconds: Double
    package var afterSeconds: Double
    /// Layers that became slower, worst first, with what bounds them.
    package var slower: [SlowerLayer]
    /// Every kernel of the compressed model, in order.
    package var kernels: [KernelTime]? = nil
  }

  package struct KernelTime: Sendable, Codable, Hashable {
    /// Source nodes it carries out.
    package var nodes: [String]
    /// Of the original's kernels that carry out any of them.
    package var beforeSeconds: Double
    package var afterSeconds: Double
  }

  package struct SlowerLayer: Sendable, Codable, Hashable {
    package var layer: String
    package var beforeSeconds: Double
    package var afterSeconds: Double
    package var reason: String
  }

  package struct GoalResult: Sendable, Codable, Hashable {
    package var metric: String
    package var limit: String
    /// Nil when the metric could not be measured.
    package var value: Double?
    package var isMet: Bool
  }

  package var schema = CompressionReport.currentSchema
  package var model: String
  package var recipe: String
  package var seed: Int
  package var records: [StageRecord] = []
  package var sizeBefore: PackedSize?
  package var sizeAfter: PackedSize?
  package var evaluationData: String?
  package var accuracy: AccuracyReport?
  package var arithmetic = IntegerArithmetic.onnxruntime
  package var integers: IntegerReport?
  package var latency: Latency?
  /// Why the target cannot run what came out, so that no latency is known.
  package var latencyRefusal: String?
  package var goals: [GoalResult] = []
  package var warnings: [String] = []

  package init(model: String, recipe: String, seed: Int) {
    self.model = model
    self.recipe = recipe.split(separator: "/").last.map(String.init) ?? recipe
    self.seed = seed
  }

  package var meetsGoals: Bool { goals.allSatisfy(\.isMet) }

  /// Compares every goal with what was measured; a metric nobody could measure is not met.
  mutating func judge(_ wanted: [EvaluationOptions.Goal]) {
    goals = wanted.map { goal in
      let value = value(goal.metric)
      let limit: String
      let isMet: Bool
      switch goal.kind {
      case .max:
        limit = "at most \(Format.number(goal.value))"
        isMet = value.map { $0 <= goal.value } ?? false
      case .min:
        limit = "at least \(Format.number(goal.value))"
        isMet = value.map { $0 >= goal.value } ?? false
      case .maxDegradation:
        limit = "at most \(Format.number(goal.value)) worse"
        let reference =
          goal.metric == "top1" ? accuracy?.referenceTop1 : goal.metric == "latency_ms" ? latency.map { $0.beforeSeconds * 1e3 } : 1
        let loss = value.flatMap { now in reference.map { goal.metric == "latency_ms" ? now - $0 : $0 - now } }
        isMet = loss.map { $0 <= goal.value } ?? false
      }
      return GoalResult(metric: goal.metric, limit: limit, value: value, isMet: isMet)
    }
  }

  private func value(_ metric: String) -> Double? {
    switch metric {
    case "latency_ms": latency.map { $0.afterSeconds * 1e3 }
    case "size_bytes": sizeAfter.map { Double($0.total) }
    case "size_ratio": sizeBefore.flatMap { before in sizeAfter.map { Double(before.total) / Double(max(1, $0.total)) } }
    default: accuracy?.value(metric)
    }
  }

  /// Tensors whose integer form is far from the original.
  mutating func warn(below limit: Double) {
    for row in integers?.rows ?? [] {
      guard let found = row.integerDecibels, found < limit else { continue }
      warnings.append("\(row.tensor): \(Format.number(found)) dB is below \(Format.number(limit)) dB")
    }
  }

  package func encoded() throws(Failure) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    do { return [UInt8](try encoder.encode(self)) + [10] } catch { throw Failure("the report cannot be written as JSON: \(error)") }
  }
}
