import Basic
import DataflowFPGA
import Hardware
import Testing

struct TargetTests {
  @Test(arguments: Targets.names)
  func everyTargetReadsAndLints(name: String) throws {
    let machine = try FPGA(Targets.file(name))
    #expect(machine.lint().isEmpty)
    #expect(machine.description.part.capacity.dsp > 0)
    #expect(machine.description.numbers.allSatisfy { !$0.source.isEmpty })
  }

  @Test func partsAreFoundByTheNamesReportsUse() throws {
    for alias in ["xc7z007s-clg225-2", "xcvu9p-flgb2104-2-i", "xcu250", "zcu102", "xck26"] {
      #expect(Targets.names.contains(try Targets.catalog.load(alias).name))
    }
  }

  @Test func aVariantKeepsTheToolsAndChangesThePart() throws {
    let base = try Targets.description("xc7z020")
    let variant = try Targets.description("alveo-u250")
    #expect(base.profiles == variant.profiles)
    #expect(base.part.block.name == "DSP48E1" && variant.part.block.name == "DSP48E2")
    #expect(variant.part.memory.ultra.rungs.count == 1 && base.part.memory.ultra.rungs.isEmpty)
    #expect(variant.part.memory.block == base.part.memory.block)
    #expect(variant.part.dies == 4)
  }

  @Test func anUnknownProfileIsNamedWithASuggestion() throws {
    let failure = #expect(throws: Failure.self) {
      try Targets.description("xc7z020", set: ["hls.profile=hls4ml-vitsi-stream"])
    }
    #expect(failure?.description.contains("hls4ml-vitis") == true)
  }

  @Test func theShellCountsAgainstThePart() throws {
    let part = try Targets.description("alveo-u50").part
    #expect(part.excess(Area(lut: part.capacity.lut)).map(\.name) == ["lut"])
    #expect(part.excess(Area()).isEmpty)
  }

  /// A digit too many is worth a word.
  @Test(arguments: [("capacity.dsp", "252000", "more than any device has"), ("clock", "20 GHz", "a clock above 1.5 GHz")])
  func lintDoubtsImpossibleFigures(path: String, value: String, words: String) throws {
    let machine = try FPGA(Targets.file("zu9eg", set: ["\(path)=\(value)"]))
    #expect(machine.lint().contains { $0.message.contains(words) }, "\(machine.lint())")
  }
}
