package import Hardware

/// Costs of the code that frameworks run for elementwise functions, norms and softmax; clocks of one SM unless said otherwise.
///
/// The same code runs on every GPU, so these numbers are shared by all targets of one software generation.
package struct StreamingSoftware: Sendable, Hashable {
  /// From a kernel's start to its first result and from its last to its end, in seconds.
  package var kernelLatency: Double
  /// Share of the pin rate a plain stream reaches.
  package var memoryEfficiency: Double
  /// Share of the stated L2 rate that reads and writes of a stream together reach.
  package var cacheEfficiency: Double
  /// Threads that the schedulers of one SM issue an instruction for in one clock.
  package var issueLanes: Double
  /// Share of the L2 whose content survives until the same operand is read again.
  package var residentShare: Double
  /// Share of the L2 that row kernels can hold their rows in between two passes.
  package var rowShare: Double
  /// Instructions for one exponential, error function or division with its range checks.
  package var specialInstructions: Double
  /// Start and end of a block that handles one row with scalar accesses.
  package var scalarRowStart: Double
  /// One load, the arithmetic behind it and the store, element by element.
  package var scalarStep: Double
  /// As `scalarStep` for kernels that pass over the row twice with a block-wide sum between.
  package var scalarTwoPassStep: Double
  /// The same when the rows come from device memory.
  package var coldTwoPassStep: Double
  /// Working set, in capacities of the L2, up to which such kernels find their rows there, and from which they find none.
  package var twoPassHeld: Double
  package var twoPassLost: Double
  /// Fixed part of one softmax row: two block-wide reductions.
  package var softmaxRow: Double
  /// One load iteration of one of the three passes of a softmax row.
  package var softmaxStep: Double
  /// Start of a mean-and-variance kernel until its first rows are done.
  package var momentStart: Double
  /// Instructions' share of one row for merging partial moments.
  package var momentRow: Double
  /// Clocks per element of a row for updating moments.
  package var momentElement: Double
  /// Rows of at most so many columns are normalised by one warp each in engines.
  package var warpRowColumns: Int
  /// Round trip of one scalar load in a kernel that only accumulates.
  package var accumulateStep: Double
  /// Further kernels around a reduction over all elements, in seconds.
  package var wholeReductionLaunches: Double
  /// Bytes a transposition moves per byte asked for.
  package var transposeWaste: Double
  /// Waves of rows from which their ends have spread.
  package var wholeWaves: Double
  package var host: [HostOperation: HostCost]

  /// Reads `<streaming>`; mistakes go to the reader's log.
  package init(_ reader: ElementReader) {
    kernelLatency = reader.number("kernel-latency", .seconds).value
    memoryEfficiency = reader.number("memory-efficiency", .ratio, in: .efficiency).value
    cacheEfficiency = reader.number("cache-efficiency", .ratio, in: .efficiency).value
    issueLanes = reader.number("issue-lanes", .lanes).value
    residentShare = reader.number("resident-share", .ratio, in: .share).value
    rowShare = reader.number("row-share", .ratio).value
    specialInstructions = reader.number("special-instructions", .none).value
    scalarRowStart = reader.number("scalar-row-start", .cycles).value
    scalarStep = reader.number("scalar-step", .cycles).value
    scalarTwoPassStep = reader.number("scalar-two-pass-step", .cycles).value
    coldTwoPassStep = reader.number("cold-two-pass-step", .cycles).value
    twoPassHeld = reader.number("two-pass-held", .ratio, in: .factor).value
    twoPassLost = reader.number("two-pass-lost", .ratio, in: .factor).value
    softmaxRow = reader.number("softmax-row", .cycles).value
    softmaxStep = reader.number("softmax-step", .cycles).value
    momentStart = reader.number("moment-start", .cycles).value
    momentRow = reader.number("moment-row", .cycles).value
    momentElement = reader.number("moment-element", .cycles).value
    warpRowColumns = reader.integer("warp-row-columns").value
    accumulateStep = reader.number("accumulate-step", .cycles).value
    wholeReductionLaunches = reader.number("whole-reduction-launches", .seconds).value
    transposeWaste = reader.number("transpose-waste", .ratio, in: .factor).value
    wholeWaves = reader.number("whole-waves", .none).value
    var costs: [HostOperation: HostCost] = [:]
    for row in reader.children("host") {
      let toKernel = row.attribute("to-kernel", .seconds)
      let total = row.attribute("total", .seconds)
      if let operation = HostOperation(rawValue: row.name) {
        costs[operation] = HostCost(toKernel: toKernel, total: total)
      } else {
        row.error(
          "<host name=\"\(row.name)\"> is not a kind of operation",
          fix: "one of \(HostOperation.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      row.finish()
    }
    for missing in HostOperation.allCases where costs[missing] == nil {
      reader.error(
        "<streaming> lacks the host cost of \(missing.rawValue)", fix: "add <host name=\"\(missing.rawValue)\" …/>")
    }
    host = costs
    reader.finish()
  }
}
