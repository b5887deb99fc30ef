import Basic
import Compression
import Testing

@Suite struct SensitivityTableTests {
  private let text = """
    layer,hessian_trace,delta_w_sq_8bit,delta_w_sq_4bit,parameters,bops,latency_int8_ms,latency_int4_ms
    a,2.0,0.01,1.01,4,100,0.5,0.4
    b,1.0,0.00,5.00,8,100,0.2,0.1
    c,0.1,0.00,1.00,2,100,0.3,0.1
    """

  @Test func budgetsLieBetweenTheEnds() throws {
    let table = try SensitivityTable(text, file: "t.csv")
    #expect(table.bits == [4, 8])
    #expect(table.resources == [.size, .bops, .latency])
    let all = try table.assignment(.size, share: 1, ties: [])
    #expect(all.bits == [8, 8, 8])
    #expect(abs(all.objective - -(2 + 5 + 0.1)) < 1e-12)
    #expect(try table.assignment(.size, share: 0, ties: []).bits == [4, 4, 4])
    // 4-bit size 7, 8-bit 14: within 11 both b and c fit, a and b do not.
    #expect(try table.assignment(.size, share: 0.58, ties: []).bits == [4, 8, 4])
    #expect(try table.assignment(.size, share: 0.58, ties: [[0, 2]]).bits == [4, 8, 4])
    // Two of three layers at 8 bits.
    #expect(try table.assignment(.bops, share: 0.67, ties: []).bits == [8, 8, 4])
  }

  @Test func mistakesAreNamed() {
    #expect(throws: Failure.self) { try SensitivityTable("layer,hessian_trace\na,1\n", file: "t.csv") }
    #expect(throws: Failure.self) { try SensitivityTable(text.replacing("2.0", with: "x"), file: "t.csv") }
    #expect(throws: Failure.self) { try SensitivityTable(text, file: "t.csv").assignment(.size, share: 0.5, ties: [[0, 9]]) }
    #expect(throws: Failure.self) {
      try SensitivityTable("layer,hessian_trace,delta_w_sq_8bit,delta_w_sq_4bit\na,1,1,2\n", file: "t.csv").assignment(
        .size, share: 1, ties: [])
    }
  }
}
