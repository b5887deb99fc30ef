package import Basic
package import Compression

/// A checked recipe: data, goals and stages in order.
package struct Recipe: Sendable {
  package struct Stage: Sendable {
    package var name: String
    package var stage: any CompressionStage
    package var location: SourceLocation
  }

  /// The text's own name, for messages and reports.
  package var file: String
  package var model: String?
  package var target: String?
  /// `PATH=VALUE` settings of the machine, in order.
  package var machine: [String]
  package var calibration: CalibrationOptions
  package var evaluation: EvaluationOptions?
  package var stages: [Stage]

  /// Reads text; the failure holds every mistake, each with file, line and column.
  package init(_ text: String, file: String) throws(Failure) {
    let document = try RecipeDocument.parse(text, file: file)
    let reader = try OptionReader(document, schema: Recipe.schema)
    self.file = file
    model = reader.text("model")
    target = reader.text("target")
    machine = reader.texts("machine") ?? []
    calibration = CalibrationOptions(reader.object("calibration"))
    evaluation = try reader.object("evaluate").map { (options) throws(Failure) in try EvaluationOptions(options) }
    stages = try Self.stages(document["stages"])
  }

  private static func stages(_ value: OptionValue?) throws(Failure) -> [Stage] {
    guard case .list(let items)? = value?.content else { return [] }
    var found: [Diagnostic] = []
    var stages: [Stage] = []
    for item in items {
      // A stage without options may be a plain word.
      let entry: OptionEntry
      switch item.content {
      case .text(let name): entry = OptionEntry(name, at: item.location, OptionValue(.mapping([]), at: item.location))
      case .mapping(let entries) where entries.count == 1: entry = entries[0]
      default:
        found.append(.error("a stage is one name with its options", at: item.location, fix: "start every stage with '- name:'"))
        continue
      }
      guard let type = StageCatalog.stage(named: entry.key) else {
        let known = StageCatalog.all.map { $0.schema.name }
        let near = nearestSpelling(to: entry.key, in: known).map { "did you mean \($0)?" }
        found.append(.error("there is no stage '\(entry.key)'", at: entry.location, fix: near ?? "one of \(known.joined(separator: ", "))"))
        continue
      }
      do throws(Failure) {
        let stage = try type.init(try OptionReader(entry.value, schema: type.schema))
        stages.append(Stage(name: entry.key, stage: stage, location: entry.location))
      } catch { found += error.diagnostics }
    }
    guard found.isEmpty else { throw Failure(found) }
    guard !stages.isEmpty else { throw Failure("the recipe has no stages", at: value?.location) }
    return stages
  }

  package var needsCalibration: Bool { stages.contains { $0.stage.needsCalibration } }

  /// Runs the stages in order. A stage's failure without a place gets the place of the stage.
  package func run(_ model: CompressedModel, _ context: CompressionContext) throws(Failure) -> CompressedModel {
    var model = model
    var isSame = true
    for stage in stages {
      do throws(Failure) { try stage.stage.apply(&model, context) } catch {
        throw Failure(
          error.diagnostics.map { diagnostic in
            var placed = diagnostic
            placed.location = placed.location ?? stage.location
            return placed
          })
      }
      let faults = model.graph.verify()
      guard faults.isEmpty else { throw Failure(faults) }
      isSame = isSame && stage.stage.preservesResults
      if isSame { model.reference = model.graph }
    }
    return model
  }
}

/// Where unlabelled inputs come from.
package struct CalibrationOptions: Sendable {
  package var data: String?
  package var samples: Int
  package var batch: Int
  package var seed: Int

  init(_ options: OptionReader?) {
    data = options?.text("data")
    samples = options?.integer("samples") ?? 256
    batch = options?.integer("batch") ?? 32
    seed = options?.integer("seed") ?? 0
  }
}

/// Labelled data and what must hold on it.
package struct EvaluationOptions: Sendable {
  package struct Goal: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
      /// The value itself is at most, or at least, a number.
      case max, min
      /// It is worse than the original's by at most a number.
      case maxDegradation = "max_degradation"
    }

    package var metric: String
    package var kind: Kind
    package var value: Double
    package var location: SourceLocation
  }

  package var data: String?
  package var samples: Int?
  package var goals: [Goal]
  /// Warn about tensors whose signal-to-noise ratio is below this.
  package var warnsBelow: Double?

  init(_ options: OptionReader) throws(Failure) {
    data = options.text("data")
    samples = options.integer("samples")
    goals = []
    guard case .list(let metrics)? = options.value["metrics"]?.content else { return }
    for metric in metrics {
      guard case .text(let name)? = metric["name"]?.content else { continue }
      if case .number(let limit)? = metric["warn_below"]?.content { warnsBelow = limit }
      if case .integer(let limit)? = metric["warn_below"]?.content { warnsBelow = Double(limit) }
      guard let goal = metric["goal"] else { continue }
      let reader = try OptionReader(goal, schema: Recipe.goal)
      guard let kind = reader.choice("type", Goal.Kind.self), let value = reader.number("value") else { continue }
      goals.append(Goal(metric: name, kind: kind, value: value, location: goal.location))
    }
  }
}
