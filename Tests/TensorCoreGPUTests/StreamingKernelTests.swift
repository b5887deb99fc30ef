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

  @Test(arguments: names) func aLongStreamRunsAtTheMeasuredShareOfThePinRate(_ name: String) throws {
    let model = try model(name)
    let long = work(.elements, rows: 1 << 20)
    let rate = long.bytes / model.estimate(long, mode: .graph).seconds
    #expect(abs(rate / (model.device.memoryRate * model.software.memoryEfficiency) - 1) < 0.02)
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
