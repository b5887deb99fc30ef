import Engine
import Foundation
import Testing

/// Random pipelines run as register-transfer logic in Verilator and in the dataflow engine, cycle for cycle.
///
/// Skipped where Verilator is not installed; `make test` installs it.
@Suite("RTL cross-check", .enabled(if: Verilator.isInstalled))
struct RTLCrossCheckTests {
  static let frames = 3

  /// A series-parallel graph with FIFOs of one word up to all words; stages in front of shallow FIFOs answer within a cycle.
  private func network(seed: Int) throws -> DataflowNetwork {
    var generator = SeededGenerator(seed: UInt64(77_000 + seed))
    let graph = SeriesParallel(seed: UInt64(40_000 + seed), depth: seed % 2 + 1)
    var stages = graph.stages
    var fifos = graph.fifos
    for index in fifos.indices {
      let all = stages[fifos[index].producer].writesPerFrame * Self.frames
      fifos[index].depth = [1, 2, 5, all, all].randomElement(using: &generator) ?? all
    }
    for stage in stages.indices {
      let isShallow = fifos.contains { $0.producer == stage && $0.depth < stages[stage].writesPerFrame * Self.frames }
      guard isShallow else { continue }
      for run in stages[stage].frame.indices where stages[stage].frame[run].step.writes > 0 {
        stages[stage].frame[run].step.latency = Int.random(in: 0...1, using: &generator)
      }
    }
    return try DataflowNetwork(stages: stages, fifos: fifos)
  }

  @Test func engineAndLogicAgreeCycleForCycle() throws {
    let networks = try (0..<28).map(network)
    let logic = networks.map { RTLPipeline(network: $0, frames: Self.frames) }
    let printed = try Verilator.run(modules: logic.enumerated().map { ($1.module("net\($0)"), "net\($0)") })
    var completed = 0
    var stuck = 0
    for (index, network) in networks.enumerated() {
      #expect(logic[index].isSynthesisable)
      let lines = Set(printed.filter { $0.hasPrefix("net\(index) ") })
      switch try network.run(frames: Self.frames) {
      case .failure:
        stuck += 1
        #expect(lines.contains("net\(index) stuck"), "the engine sees a deadlock in network \(index), the logic does not")
      case .success(let run):
        completed += 1
        var expected: Set<String> = []
        for frame in run.started.indices { expected.insert("net\(index) frame \(frame) in \(run.started[frame])") }
        for (stage, span) in run.firstFrame.enumerated() {
          expected.insert("net\(index) stage \(stage) \(span.lowerBound) \(span.upperBound)")
        }
        for frame in run.finished.indices { expected.insert("net\(index) frame \(frame) out \(run.finished[frame])") }
        let missing = expected.subtracting(lines).sorted()
        #expect(missing.isEmpty, "network \(index): the engine says \(missing), the logic printed \(lines.subtracting(expected).sorted())")
      }
    }
    // Both outcomes have to occur, or the comparison shows less than it says.
    #expect(completed >= 20)
    #expect(stuck >= 1)
  }
}

/// The simulator of register-transfer logic, as a process.
enum Verilator {
  static let isInstalled = ["/usr/bin/verilator", "/usr/local/bin/verilator"].contains { FileManager.default.isExecutableFile(atPath: $0) }

  /// Builds all modules into one program, clocks it until each is done, and returns what they printed.
  static func run(modules: [(text: String, name: String)]) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cyclewright-rtl-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let instances = modules.enumerated().map { "\($1.name) i\($0)(.clk(clk), .cycle(cycle), .done(done[\($0)]));" }
    let top = """
      module top(input wire clk, output wire finished);
      reg [31:0] cycle;
      wire [\(modules.count - 1):0] done;
      initial cycle = 0;
      always @(posedge clk) cycle <= cycle + 1;
      assign finished = (&done) || cycle > 100000;
      \(instances.joined(separator: "\n"))
      endmodule
      """
    let main = """
      #include "Vtop.h"
      #include "verilated.h"
      int main() {
        Vtop top;
        top.clk = 0;
        top.eval();
        while (!top.finished) { top.clk = 1; top.eval(); top.clk = 0; top.eval(); }
        return 0;
      }
      """
    try (modules.map(\.text).joined() + top).write(to: folder.appendingPathComponent("top.v"), atomically: true, encoding: .utf8)
    try main.write(to: folder.appendingPathComponent("main.cpp"), atomically: true, encoding: .utf8)
    let options = ["--cc", "--exe", "-O3", "-Wno-fatal", "-Wno-lint", "--top-module", "top", "-Mdir", "build"]
    _ = try process(["verilator"] + options + ["top.v", "main.cpp"], in: folder)
    // Compiling costs more than running: a few thousand clocks need no optimisation.
    _ = try process(["make", "-C", "build", "-f", "Vtop.mk", "OPT_FAST=-O0", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0"], in: folder)
    return try process(["build/Vtop"], in: folder).split(separator: "\n").map(String.init)
  }

  private static func process(_ command: [String], in folder: URL) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command[0].contains("/") ? [folder.appendingPathComponent(command[0]).path] : command
    process.currentDirectoryURL = folder
    // A file and no pipe: Foundation ends the process when a signal interrupts it reading one.
    let printed = folder.appendingPathComponent("printed.txt")
    try Data().write(to: printed)
    let output = try FileHandle(forWritingTo: printed)
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try output.close()
    let data = try Data(contentsOf: printed)
    guard process.terminationStatus == 0 else { throw Failure(command: command.joined(separator: " "), status: process.terminationStatus) }
    return String(decoding: data, as: UTF8.self)
  }

  struct Failure: Error {
    let command: String
    let status: Int32
  }
}
