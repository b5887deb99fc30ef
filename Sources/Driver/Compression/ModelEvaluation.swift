package import Basic
internal import Compression
package import IR

/// A model on data, alone or against another: what `evaluate` does.
package struct ModelEvaluation: Sendable {
  package var model: ModelRequest
  package var data: String
  package var against: String?
  package var samples: Int?
  package var comparesIntegers = false
  package var arithmetic = IntegerArithmetic.onnxruntime
  /// Where the stored integers of every tensor go.
  package var dumpFolder: String?
  package var progress: @Sendable (String, Double) -> Void = { _, _ in }

  package init(model: ModelRequest, data: String) {
    self.model = model
    self.data = data
  }

  package func run() throws(Failure) -> CompressionReport {
    if let samples, samples < 1 { throw Failure("--samples \(samples): at least one sample is evaluated") }
    let loaded = try LoadedModel(model)
    let set = try SampleFile.read(data, for: loaded.graph, limit: samples)
    guard set.labels != nil || against != nil || comparesIntegers else {
      throw Failure(
        "the data has no labels and there is no model to compare with: nothing can be measured", at: SourceLocation(file: data),
        fix: "add an integer array called label, or give --against")
    }
    var reference: LoadedModel?
    if let against {
      var request = model
      request.path = against
      reference = try LoadedModel(request)
    }
    var report = CompressionReport(model: loaded.name, recipe: "", seed: 0)
    report.evaluationData = data.split(separator: "/").last.map(String.init)
    report.accuracy = try AccuracyMeasure(progress: progress).run(loaded.graph, against: reference?.graph, on: set)
    report.sizeAfter = PackedSize(loaded.graph)
    report.sizeBefore = reference.map { PackedSize($0.graph) }
    guard comparesIntegers else { return report }
    guard IntegerReport.applies(to: loaded.graph) else {
      throw Failure(
        "the model stores no integers", at: SourceLocation(file: model.path), fix: "leave --integers out, or quantise activations")
    }
    report.arithmetic = arithmetic
    let batches = try set.batches(of: set.usualBatch, for: loaded.graph)
    report.integers = try IntegerComparison(arithmetic).run(loaded.graph, original: reference?.graph ?? loaded.graph, batches: batches)
    if let dumpFolder { try IntegerDump(folder: dumpFolder).write(loaded.graph, arithmetic, batches) }
    return report
  }
}
