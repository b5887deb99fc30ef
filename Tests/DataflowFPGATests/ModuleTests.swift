import DataflowFPGA
import Testing

struct ModuleTests {
  @Test func theFamilyReadsFPGATargets() {
    #expect(FPGA.family == "fpga")
  }
}
