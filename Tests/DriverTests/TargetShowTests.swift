import Basic
import Driver
import Foundation
import Hardware
import Testing

/// What `target show` prints of a machine, and that its first column is what `--set` takes.
struct TargetShowTests {
  @Test(arguments: ["nvidia-a100-sxm4-80gb", "ethos-u55-128", "zcu104"])
  func nothingIsCutAndEveryPathCanBeSet(_ name: String) throws {
    let target = try PredictionTests.catalog.load(name)
    let text = try TargetListing(PredictionTests.catalog).show(target)
    #expect(!text.contains("…"))
    let lines = text.split(separator: "\n").drop { !$0.hasPrefix("number") }.dropFirst()
    #expect(lines.count > 40)
    for line in lines {
      let columns = line.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
      // Rows of tables without names and notes are to be read, not set.
      guard columns.count > 2, columns[1] != "note", !columns[1].contains("=") else { continue }
      var changed = target
      #expect(throws: Never.self, "\(columns[0])") { try changed.set("\(columns[0])=\(columns[1])") }
    }
  }

  @Test func aNameWithPointsCanBeSet() throws {
    var target = try PredictionTests.catalog.load("nvidia-a100-sxm4-80gb")
    try target.set("tensor-cores.mma.m16n8k16.f16.rate=512 /clk/SM")
    #expect(throws: Failure.self) { try target.set("tensor-cores.mma.m16n8k16.f17.rate=512 /clk/SM") }
  }

  /// No vendor publishes what a multiply-add costs: every file says so, and every result lists it.
  @Test func noEnergyOfAnInstructionIsDocumented() throws {
    for file in PredictionTests.catalog.files() where file.path.contains("/gpu/") {
      let target = try PredictionTests.catalog.load(path: file.path)
      let text = try TargetListing(PredictionTests.catalog).show(target)
      let energies = text.split(separator: "\n").filter { $0.prefix { $0 != " " }.hasSuffix(".energy") && !$0.contains("pJ/B") }
      #expect(!energies.isEmpty, "\(file.name)")
      for line in energies { #expect(!line.contains("  documented  "), "\(file.name): \(line)") }
    }
  }
}
