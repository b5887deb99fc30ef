import Lowering
import Testing

@testable import DataflowFPGA

struct PartNumberTests {
  @Test(arguments: [
    ("xcvu9p-flga2104-2L-e", "xcvu9p"), ("xcvu13p-flga2577", "xcvu13p"), ("xcu250-figd2104-2L", "xcu250"), ("xczu7ev", "xczu7ev"),
    ("xc7z020clg400-1", "xc7z020"), ("xc7a100tcsg324-1", "xc7a100t"), ("xc7z007s-clg225-2", "xc7z007s"),
    ("xck26 (zu5ev-class)", "xck26"), ("pynq-z2", "pynq-z2"),
  ])
  func deviceOfAPart(_ part: String, _ device: String) throws {
    #expect(FPGAMeasurements.device(part) == device)
    // Every part has a target.
    _ = try Targets.catalog.load(device)
  }
}
