internal import Dispatch
package import Basic
package import Hardware
package import Lowering

/// Compares tables of measurements with predictions for the same shapes on the same machines.
package struct Validation: Sendable {
  package struct Options: Sendable {
    package var catalog: TargetCatalog
    /// `device=target` pairs that override finding a target by name or alias.
    package var targets: [String: String]
    package var overrides: [String]
    /// With `.event`, rows are predicted in both forms and the largest difference of each group is kept.
    package var fidelity: RunRequest.Fidelity
    /// Told which table is being compared and which share of the tables is behind it.
    package var progress: @Sendable (String, Double) -> Void = { _, _ in }
    /// Folders with the networks that tables name.
    package var models: [String]

    package init(
      catalog: TargetCatalog, targets: [String: String] = [:], overrides: [String] = [],
      fidelity: RunRequest.Fidelity = .fast, models: [String] = []
    ) {
      self.catalog = catalog
      self.targets = targets
      self.overrides = overrides
      self.fidelity = fidelity
      self.models = models
    }
  }

  package struct Group: Sendable, Codable, Hashable {
    package var target: String
    package var dtype: String
    package var op: String
    package var statistics: ErrorStatistics
    /// Largest |event − fast| / fast of a row; nil when only one form was asked for or the model has a single one.
    package var eventDifference: Double?
  }

  /// One row with what came of it.
  package struct Row: Sendable {
    package var line: Int
    package var measured: Double?
    package var predicted: Double?
    package var why: String
  }

  package struct Table: Sendable {
    package var file: String
    package var header: [String]
    package var cells: [[Substring]]
    /// One entry per schema that the header matches, the most demanding first: its measured column and its rows.
    package var predictions: [(measuredColumn: String, rows: [Row])]
  }

  package var fidelity = RunRequest.Fidelity.fast
  package var tables: [Table] = []
  package var groups: [Group] = []
  package var overall = ErrorStatistics(pairs: [], skipped: 0)
  /// Why rows were skipped, with how many.
  package var skips: [(why: String, count: Int)] = []

  package static func run(files: [String], options: Options) throws(Failure) -> Validation {
    var validation = Validation()
    validation.fidelity = options.fidelity
    var differences: [MeasurementGroup: Double] = [:]
    var pairs: [MeasurementGroup: [(measured: Double, predicted: Double)]] = [:]
    var skipped: [MeasurementGroup: Int] = [:]
    var reasons: [String: Int] = [:]
    for (index, file) in files.enumerated() {
      options.progress("comparing \(file)", Double(index) / Double(files.count))
      let table = try CommaSeparated(try FileOutput.readText(file), file: file)
      var predictions: [(measuredColumn: String, rows: [Row])] = []
      for schema in try Self.schemas(for: table.header, file: file, models: options.models) {
        var rows: [Row] = []
        let fast = Self.outcomes(table, schema: schema, options: options, fidelity: .fast)
        var outcomes = fast
        if options.fidelity == .event, schema.hasEventForm {
          outcomes = Self.outcomes(table, schema: schema, options: options, fidelity: .event)
          Self.compare(fast, outcomes, into: &differences)
        }
        for (row, outcome) in zip(table.rows, outcomes) {
          switch outcome {
          case .predicted(let measured, let predicted, let group, let note):
            pairs[group, default: []].append((measured, predicted))
            rows.append(Row(line: row.line, measured: measured, predicted: predicted, why: note))
          case .skipped(let why, let group):
            skipped[group, default: 0] += 1
            reasons[why, default: 0] += 1
            rows.append(Row(line: row.line, measured: nil, predicted: nil, why: why))
          }
        }
        predictions.append((schema.measuredColumn, rows))
      }
      validation.tables.append(
        Table(file: file, header: table.header, cells: table.rows.map(\.cells), predictions: predictions))
    }
    let keys = Set(pairs.keys).union(skipped.keys).sorted()
    validation.groups = keys.map { key in
      Group(
        target: key.target, dtype: key.format, op: key.operation,
        statistics: ErrorStatistics(pairs: pairs[key] ?? [], skipped: skipped[key] ?? 0),
        eventDifference: differences[key])
    }
    validation.overall = ErrorStatistics(pairs: keys.flatMap { pairs[$0] ?? [] }, skipped: skipped.values.reduce(0, +))
    validation.skips = reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
    return validation
  }

  private static func schemas(for header: [String], file: String, models: [String]) throws(Failure) -> [any MeasurementSchema] {
    let known = MachineCatalog.schemas(models: models)
    let fitting = known.filter { schema in schema.requiredColumns.allSatisfy(header.contains) }
    guard fitting.isEmpty else { return fitting.sorted { $0.requiredColumns.count > $1.requiredColumns.count } }
    let nearest = known.max { a, b in
      a.requiredColumns.count { header.contains($0) } < b.requiredColumns.count { header.contains($0) }
    }
    let missing = nearest.map { schema in schema.requiredColumns.filter { !header.contains($0) } } ?? []
    throw Failure(
      "no table schema has these columns: \(header.joined(separator: ","))", at: SourceLocation(file: file, line: 1),
      fix: nearest.map { "the nearest, \($0.name), also needs \(missing.joined(separator: ","))" })
  }

  /// Keeps the largest relative difference of the two forms per group.
  private static func compare(
    _ fast: [RowOutcome], _ event: [RowOutcome], into differences: inout [MeasurementGroup: Double]
  ) {
    for case (.predicted(_, let closed, let group, _), .predicted(_, let stepped, _, _)) in zip(fast, event)
    where closed > 0 {
      differences[group] = max(differences[group] ?? 0, abs(stepped - closed) / closed)
    }
  }

  private static func outcomes(
    _ table: CommaSeparated, schema: any MeasurementSchema, options: Options, fidelity: RunRequest.Fidelity
  ) -> [RowOutcome] {
    let columns = Dictionary(table.header.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let rows = table.rows.map { MeasurementRow(line: $0.line, columns: columns, cells: $0.cells) }
    var predictors: [String: Result<any RowPredictor, Failure>] = [:]
    for device in Set(rows.map(schema.device)) { predictors[device] = predictor(for: device, schema, rows, options, fidelity) }
    let prepared = predictors
    // Rows are independent; each worker fills its own stretch, so the result does not depend on the number of threads.
    let chunk = 512
    let chunks = (rows.count + chunk - 1) / chunk
    var results = [[RowOutcome]](repeating: [], count: chunks)
    results.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let slots = buffer
      DispatchQueue.concurrentPerform(iterations: chunks) { index in
        slots[index] = rows[(index * chunk)..<min(rows.count, (index + 1) * chunk)].map { row in
          let device = schema.device(of: row)
          switch prepared[device] {
          case .success(let predictor)?: return predictor.predict(row)
          case .failure(let failure)?:
            let why = failure.diagnostics.first?.message ?? "no target"
            return .skipped(why: why, group: MeasurementGroup(target: device, format: "", operation: schema.name))
          case nil: return .skipped(why: "no target", group: MeasurementGroup(target: device, format: "", operation: schema.name))
          }
        }
      }
    }
    return results.flatMap { $0 }
  }

  private static func predictor(
    for device: String, _ schema: any MeasurementSchema, _ rows: [MeasurementRow], _ options: Options,
    _ fidelity: RunRequest.Fidelity
  ) -> Result<any RowPredictor, Failure> {
    do throws(Failure) {
      guard !device.isEmpty else { return .success(try schema.predictor(for: nil, in: rows)) }
      var target = try Self.target(options.targets[device] ?? device, options.catalog)
      for assignment in options.overrides { try target.set(assignment) }
      if fidelity == .event { return .success(try schema.eventPredictor(for: target)) }
      return .success(try schema.predictor(for: target, in: rows))
    } catch {
      return .failure(error)
    }
  }

  /// The target of a device; names of devices may hold a slash (`20GB/s`) without being paths.
  private static func target(_ device: String, _ catalog: TargetCatalog) throws(Failure) -> TargetFile {
    guard device.contains("/"), !device.hasSuffix(".xml") else { return try catalog.load(device) }
    for file in catalog.files() {
      if let target = try? catalog.load(path: file.path), target.aliases.contains(device) { return target }
    }
    return try catalog.load(device)
  }
}
