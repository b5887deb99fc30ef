import DataflowFPGA
import Testing

struct ModuleTests {
  @Test func theFamilyHasMeasurementSchemas() {
    #expect(!FPGAMeasurements.schemas.isEmpty)
  }
}
