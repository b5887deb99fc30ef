internal import Foundation
package import Basic
package import IR
internal import Numerics

/// How well a model does on samples, and how near it is to a reference.
package struct AccuracyReport: Sendable, Hashable, Codable {
  package var samples = 0
  /// Share of samples whose largest output is the label; nil without labels.
  package var top1: Double?
  package var referenceTop1: Double?
  /// Share of samples whose largest output is the reference's.
  package var agreement: Double?
  /// 10·log10(Σ reference² / Σ difference²) over all outputs.
  package var sqnrDecibels: Double?
  /// Mean Kullback–Leibler divergence of softmax(outputs) from softmax(reference), in nats.
  package var divergence: Double?
  /// Mean cosine between outputs and reference.
  package var cosine: Double?
  package var meanSquaredError: Double?

  package init() {}

  /// A metric by its name in recipes.
  package func value(_ name: String) -> Double? {
    switch name {
    case "top1": top1
    case "agreement": agreement
    case "sqnr_db": sqnrDecibels
    case "kl": divergence
    case "cosine": cosine
    case "mse": meanSquaredError
    default: nil
    }
  }
}

/// Runs models over samples, batches side by side.
package struct AccuracyMeasure: Sendable {
  package var runner: any GraphRunner
  /// Samples run at once; nil for what a model of this size wants.
  package var batch: Int?
  package var progress: @Sendable (String, Double) -> Void

  package init(
    runner: any GraphRunner = EvaluatorRunner(), batch: Int? = nil, progress: @escaping @Sendable (String, Double) -> Void = { _, _ in }
  ) {
    self.runner = runner
    self.batch = batch
    self.progress = progress
  }

  /// - Parameter reference: the model to compare with; nil measures the labels only.
  package func run(_ graph: Graph, against reference: Graph?, on samples: SampleSet) throws(Failure) -> AccuracyReport {
    let own = try outputs(of: graph, samples, title: "evaluate")
    guard let reference else { return report(own, nil, samples) }
    return report(own, try outputs(of: reference, samples, title: "evaluate original"), samples)
  }

  /// The first output of the model, all batches joined: rows of `width` numbers.
  package struct Rows: Sendable {
    package var count: Int
    package var width: Int
    package var values: [Float]
  }

  package func outputs(of graph: Graph, _ samples: SampleSet, title: String) throws(Failure) -> Rows {
    let batches = try samples.batches(of: batch ?? samples.usualBatch, for: graph)
    let prepared = try runner.prepare(graph)
    let results = try concurrently(batches.count) { index throws(Failure) in
      guard let tensor = try prepared.run(batches[index]).first?.tensor else {
        throw Failure("the first output of the model is not a tensor")
      }
      do throws(OperatorError) { return (rows: tensor.shape.first ?? 1, values: try tensor.floats()) } catch {
        throw Failure("the first output of the model: \(error)")
      }
    } done: {
      progress(title, $0)
    }
    let rows = results.reduce(0) { $0 + $1.rows }
    let values = results.flatMap(\.values)
    guard rows > 0, values.count % rows == 0 else { throw Failure("the model's output has no leading axis of samples") }
    let width = values.count / rows
    if let bad = values.firstIndex(where: \.isNaN) {
      throw Failure(
        "the first output of '\(graph.name)' is not a number for sample \(bad / max(1, width))", at: SourceLocation(file: samples.source),
        fix: "look for weights that are not finite, or a format whose range is too small")
    }
    if width > 1, let bad = samples.labels?.firstIndex(where: { !(0..<width).contains($0) }), let label = samples.labels?[bad] {
      throw Failure(
        "sample \(bad) has label \(label), but the model tells \(width) classes apart, 0 to \(width - 1)",
        at: SourceLocation(file: samples.source), fix: "correct or remove the labels")
    }
    return Rows(count: rows, width: width, values: values)
  }

  package func report(_ own: Rows, _ reference: Rows?, _ samples: SampleSet) -> AccuracyReport {
    var result = AccuracyReport()
    result.samples = own.count
    let classes = own.argmax
    if let labels = samples.labels, labels.count >= own.count {
      result.top1 = share(zip(classes, labels).count { $0 == $1 }, of: own.count)
      if let reference, reference.count == own.count {
        result.referenceTop1 = share(zip(reference.argmax, labels).count { $0 == $1 }, of: own.count)
      }
    }
    guard let reference, reference.count == own.count, reference.width == own.width else { return result }
    result.agreement = share(zip(classes, reference.argmax).count { $0 == $1 }, of: own.count)
    var (signal, noise, divergence, cosine) = (0.0, 0.0, 0.0, 0.0)
    for row in 0..<own.count {
      let (a, b) = (own.row(row), reference.row(row))
      var (dot, lengthA, lengthB) = (0.0, 0.0, 0.0)
      for (x, y) in zip(a, b) {
        let (x, y) = (Double(x), Double(y))
        noise += (x - y) * (x - y)
        dot += x * y
        lengthA += x * x
        lengthB += y * y
      }
      signal += lengthB
      cosine += lengthA > 0 && lengthB > 0 ? dot / (lengthA * lengthB).squareRoot() : (lengthA == lengthB ? 1 : 0)
      divergence += Self.divergence(a, from: b)
    }
    result.sqnrDecibels = decibels(signal, noise)
    result.divergence = divergence / Double(own.count)
    result.cosine = cosine / Double(own.count)
    result.meanSquaredError = noise / Double(max(1, own.values.count))
    return result
  }

  private func share(_ part: Int, of whole: Int) -> Double { Double(part) / Double(max(1, whole)) }

  /// KL(softmax(b) ‖ softmax(a)).
  private static func divergence(_ a: ArraySlice<Float>, from b: ArraySlice<Float>) -> Double {
    func logSoftmax(_ values: ArraySlice<Float>) -> [Double] {
      let most = Double(values.max() ?? 0)
      let sum = log(values.reduce(0.0) { $0 + exp(Double($1) - most) })
      return values.map { Double($0) - most - sum }
    }
    return zip(logSoftmax(b), logSoftmax(a)).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
  }
}

extension AccuracyMeasure.Rows {
  package func row(_ index: Int) -> ArraySlice<Float> { values[(index * width)..<((index + 1) * width)] }

  /// The first position of each row's largest value.
  package var argmax: [Int] {
    (0..<count).map { index in
      let row = row(index)
      var best = row.startIndex
      for position in row.indices where row[position] > row[best] { best = position }
      return best - row.startIndex
    }
  }
}
