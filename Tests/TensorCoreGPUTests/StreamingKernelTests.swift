import Foundation
import Hardware
import Testing

@testable import TensorCoreGPU

/// The targets of the repository, found from this file's place in it.
enum Targets {
  static let catalog = TargetCatalog(
    folder: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "targets").path)

  static func gpu(_ name: String) throws -> GPUDescription { try GPUDescription(catalog.load(name)) }
}

struct StreamingModelTests {
  static let names = ["nvidia-a100-sxm4-80gb", "nvidia-h100-sxm5-80gb"]
  static let walks: [StreamingWork.Walk] = [
    .elements, .scalarRows(passes: 1), .scalarRows(passes: 2), .softmaxRows, .momentRows, .wholeReduction,
  ]

  private func model(_ name: String) throws -> StreamingModel {
    let gpu = try Targets.gpu(name)
    return StreamingModel(gpu, try #require(gpu.streaming))
  }

  private func work(_ walk: StreamingWork.Walk, rows: Int, columns: Int = 2048) -> StreamingWork {
    let bytes = Double(rows * columns * 2)
    return StreamingWork(
      walk: walk, rows: rows, columns: columns, elementBytes: 2, bytesRead: bytes, bytesWritten: bytes)
  }

  @Test(arguments: names, walks) func moreRowsAreNeverFasterAndNeverBelowTheFloor(
    _ name: String, _ walk: StreamingWork.Walk
  ) throws {
    let model = try model(name)
    var last = 0.0
    for rows in [1, 7, 64, 500, 4096, 20_000, 100_000, 1_000_000] {
      let estimate = model.estimate(work(walk, rows: rows), mode: .graph)
      #expect(estimate.seconds >= last * 0.999, "\(rows) rows")
      #expect(estimate.floorSeconds <= estimate.seconds)
      last = estimate.seconds
    }
  }

  /// Additions of two 16-bit matrices of 8192 columns, far beyond the L2, as Vidur timed them (arXiv 2405.05465).
  @Test(arguments: [("nvidia-a100-sxm4-80gb", 30_720, 883e-6), ("nvidia-h100-sxm5-80gb", 3456, 52e-6)])
  func aLongAdditionTakesTheTimeThatWasMeasured(_ name: String, _ rows: Int, _ measured: Double) throws {
    let operand = Double(rows * 8192 * 2)
    let addition = StreamingWork(
      walk: .elements, rows: rows, columns: 8192, elementBytes: 2, bytesRead: 2 * operand, bytesWritten: operand)
    let predicted = try model(name).estimate(addition, mode: .graph).seconds
    #expect(abs(predicted / measured - 1) < 0.1, "\(predicted)")
  }

  /// Once a stream is long only its bytes count: as many again take as long again, and never less than the pins of the data sheet.
  @Test(arguments: zip(names, [2039e9, 3352e9])) func aLongStreamRunsAtOneRateBelowThePins(_ name: String, _ pins: Double) throws {
    let model = try model(name)
    let times = [1 << 19, 1 << 20, 3 << 19].map { model.estimate(work(.elements, rows: $0), mode: .graph) }
    #expect(times.allSatisfy { $0.bound == .memory })
    let (first, second) = (times[1].seconds - times[0].seconds, times[2].seconds - times[1].seconds)
    #expect(abs(first / second - 1) < 1e-6)
    let rate = Double(1 << 19) * 2048 * 4 / first
    #expect(rate < pins && rate > 0.75 * pins, "\(rate)")
    #expect(times[0].seconds > first)
  }

  @Test(arguments: names) func theHostHidesShortKernelsInEagerMode(_ name: String) throws {
    let model = try model(name)
    let short = model.estimate(work(.elements, rows: 4), mode: .eager(.tensors))
    #expect(short.bound == .host)
    #expect(short.seconds == model.software.host[.tensors]?.total)
    let long = work(.elements, rows: 1 << 20)
    #expect(model.estimate(long, mode: .eager(.tensors)).seconds > model.estimate(long, mode: .graph).seconds)
  }

  /// A row that does not fill whole vectors of its block takes further scalar steps: 1600 columns cost more than 2048.
  @Test func raggedSoftmaxRowsCostMoreThanLongerEvenOnes() throws {
    let model = try model("nvidia-a100-sxm4-80gb")
    let ragged = model.estimate(work(.softmaxRows, rows: 65_536, columns: 1600), mode: .profiler)
    let even = model.estimate(work(.softmaxRows, rows: 65_536, columns: 2048), mode: .profiler)
    #expect(ragged.bound == .feed)
    #expect(ragged.seconds * 2048 / 1600 > even.seconds)
  }
}
