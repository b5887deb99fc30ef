internal import Dispatch
package import Basic
internal import Hardware
internal import IR
internal import Lowering
internal import Results

/// Predicts one model on variants of a machine: every combination of the values of some of its numbers.
///
/// The model is read once and compiled once for all variants that fuse alike; equal layers of equal machines are planned once.
package struct PredictionSweep: Sendable {
  /// One number of the machine and the values it takes, as `--set` spells both.
  package struct Axis: Sendable, Hashable {
    package var path: String
    package var values: [String]

    /// Reads `path=value,value,…`.
    package init(_ text: String) throws(Failure) {
      guard let equals = text.firstIndex(of: "=") else {
        throw Failure("--vary \(text): expected machine.path=value,value,…", fix: "write for example --vary array.rows=16,32,64")
      }
      path = String(text[..<equals])
      values = text[text.index(after: equals)...].split(separator: ",", omittingEmptySubsequences: false).map {
        String($0).trimmingSpaces
      }
      guard !path.isEmpty, values.allSatisfy({ !$0.isEmpty }) else {
        throw Failure("--vary \(text): a value is empty", fix: "separate values by single commas")
      }
    }

    /// A path that the machine does not have is no variant.
    fileprivate func check(_ target: TargetFile) throws(Failure) {
      var target = target
      do throws(Failure) { try target.set("\(path)=\(values.first ?? "")") } catch {
        throw Failure(
          error.diagnostics.map { found in
            var found = found
            if found.message.hasPrefix("--set") { found.message = "--vary" + found.message.dropFirst(5) }
            return found
          })
      }
    }
  }

  /// One variant: what was set, and what came of it.
  package struct Row: Sendable, Codable, Hashable {
    package var settings: [String]
    package var latencySeconds: Double?
    package var cycles: Int?
    package var floorSeconds: Double?
    package var throughputPerSecond: Double?
    package var energyJoules: Double?
    /// Why there is no figure.
    package var failure: String?
    /// What the prediction of this variant has to say about it.
    package var notes: [String]?

    enum CodingKeys: String, CodingKey {
      case settings, cycles, failure, notes
      case latencySeconds = "latency_seconds"
      case floorSeconds = "floor_seconds"
      case throughputPerSecond = "throughput_per_second"
      case energyJoules = "energy_joules"
    }
  }

  /// Variants one run may ask for.
  package static let limit = 100_000

  package let paths: [String]
  package let rows: [Row]
  /// What the axes change beside what they name.
  package let notes: [String]

  /// Runs every combination, the last axis fastest; a variant that does not fit is a row with its reason.
  package init(_ prediction: Prediction, axes: [Axis]) throws(Failure) {
    var total = 1
    for axis in axes {
      total = total.multipliedReportingOverflow(by: axis.values.count).partialValue
      guard total > 0, total <= Self.limit else { throw Failure("more than \(Self.limit) variants are too many for one run") }
    }
    guard prediction.model.recipe == nil, prediction.model.sparsity == nil else {
      throw Failure("a sweep takes the model as it is", fix: "compress the model first, and sweep the result")
    }
    var base = try prediction.catalog.load(prediction.target)
    for assignment in prediction.overrides { try base.set(assignment) }
    for axis in axes { try axis.check(base) }
    let loaded = try LoadedModel(prediction.model, assumesBatch: true)
    try loaded.checkBound()
    let request = RunRequest(fidelity: prediction.fidelity, launch: prediction.launch, batch: loaded.batch)
    var prepared: [(settings: [String], work: Result<Variant, Failure>)] = []
    var programs: [ProgramKey: KernelProgram] = [:]
    for index in 0..<total {
      let settings = Self.settings(axes, index)
      prepared.append(
        (settings, Self.prepare(base, zip(axes.map(\.path), settings).map { "\($0)=\($1)" }, prediction, loaded, &programs)))
    }
    paths = axes.map(\.path)
    notes = Self.clockNotes(base, axes)
    rows = Self.run(prepared, request)
  }

  /// Memories whose rates are given per clock become faster with the clock: true on the chip, and a choice for memory beside it.
  private static func clockNotes(_ base: TargetFile, _ axes: [Axis]) -> [String] {
    guard let axis = axes.first(where: { $0.path.split(separator: ".").last == "clock" }) else { return [] }
    let machine = base.root.children.first { $0.name == base.family }
    let rates = (machine?.children ?? []).filter { $0.name == "memory" }.compactMap { memory -> String? in
      guard let width = memory.children.first(where: { $0.name == "width" })?[attribute: "value"], width.hasSuffix("/clk") else {
        return nil
      }
      return "\(memory[attribute: "name"] ?? "memory") (\(width))"
    }
    guard !rates.isEmpty else { return [] }
    return [
      "\(axis.path) also scales the memories whose width is given per clock: \(rates.joined(separator: ", ")); vary their width with it to keep a rate in bytes per second"
    ]
  }

  /// One machine with the kernels that run on it.
  private struct Variant {
    var file: TargetFile
    var machine: any Machine
    var program: KernelProgram
  }

  private struct ProgramKey: Hashable {
    var capabilities: Capabilities
    var precision: String?
  }

  private static func settings(_ axes: [Axis], _ index: Int) -> [String] {
    var rest = index
    var result: [String] = []
    for axis in axes.reversed() {
      result.append(axis.values[rest % axis.values.count])
      rest /= axis.values.count
    }
    return result.reversed()
  }

  private static func prepare(
    _ base: TargetFile, _ assignments: [String], _ prediction: Prediction, _ loaded: LoadedModel,
    _ programs: inout [ProgramKey: KernelProgram]
  ) -> Result<Variant, Failure> {
    do throws(Failure) {
      var file = base
      for assignment in assignments { try file.set(assignment) }
      let machine = try MachineCatalog.machine(for: file)
      guard type(of: machine).launches.contains(prediction.launch) else {
        throw Failure("\(file.name) has no host that starts kernels one by one", fix: "leave --launch \(prediction.launch.rawValue) out")
      }
      let key = ProgramKey(
        capabilities: prediction.launch == .eager ? machine.capabilities.perOperation : machine.capabilities,
        precision: prediction.model.precision ?? DefaultPrecision(machine, loaded.graph).name)
      if let known = programs[key] { return .success(Variant(file: file, machine: machine, program: known)) }
      var options = Compilation.Options()
      options.capabilities = key.capabilities
      DefaultPrecision.set(&options, asked: prediction.model.precision, machine, loaded.graph)
      let program = try PredictionAttempt.program(loaded, options, prediction.launch)
      programs[key] = program
      return .success(Variant(file: file, machine: machine, program: program))
    } catch {
      return .failure(error)
    }
  }

  /// Variants are independent; each writes its own place, so that the result does not depend on the number of threads.
  private static func run(
    _ prepared: [(settings: [String], work: Result<Variant, Failure>)], _ request: RunRequest
  ) -> [Row] {
    var rows = prepared.map { Row(settings: $0.settings) }
    rows.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let slots = buffer
      DispatchQueue.concurrentPerform(iterations: prepared.count) { index in
        switch prepared[index].work {
        case .failure(let failure): slots[index].failure = failure.diagnostics.first?.message ?? failure.description
        case .success(let variant):
          do throws(Failure) {
            let run = try variant.machine.run(variant.program.kernels, request)
            try run.checkFits(on: variant.file, weightBytes: variant.program.weightBytes)
            slots[index].latencySeconds = run.latencySeconds
            slots[index].cycles = run.cycles
            slots[index].floorSeconds = run.floorSeconds
            slots[index].throughputPerSecond =
              run.throughputPerSecond ?? (run.latencySeconds > 0 ? Double(request.batch) / run.latencySeconds : nil)
            slots[index].energyJoules = run.energyJoules
            let notes = run.diagnostics.filter { $0.severity == .note }.map(\.message)
            slots[index].notes = notes.isEmpty ? nil : notes
          } catch {
            slots[index].failure = error.diagnostics.first?.message ?? error.description
          }
        }
      }
    }
    return rows
  }

  // MARK: Output

  /// A table with one line per variant, the fastest marked.
  package func text() -> String {
    var table = TextTable(paths.map { ($0, .right) } + [("latency", .right), ("floor", .right), ("energy", .right), ("", .left)])
    let best = rows.compactMap(\.latencySeconds).min()
    for row in rows {
      let latency = row.latencySeconds
      table.add(
        row.settings + [
          latency.map { Format.seconds($0) } ?? "–",
          latency.map { latency in Format.percent((row.floorSeconds ?? 0) / max(latency, .leastNonzeroMagnitude)) } ?? "–",
          row.energyJoules.map { Format.joules($0) } ?? "–",
          row.failure ?? (latency == best ? "fastest" : ""),
        ])
    }
    let notes = rows.flatMap { row in (row.notes ?? []).map { "\(row.settings.joined(separator: " ")): \($0)\n" } }
    return table.render() + "\n" + notes.joined() + self.notes.map { "note: \($0)\n" }.joined()
  }

  package func json() throws(Failure) -> String { try prettyJSON(Document(paths: paths, variants: rows, notes: notes)) }

  private struct Document: Encodable {
    let schema = "cyclewright.sweep/1"
    var paths: [String]
    var variants: [Row]
    var notes: [String]
  }
}

extension String {
  fileprivate var trimmingSpaces: String {
    var text = Substring(self)
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
