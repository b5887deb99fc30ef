import Basic
import Results
import Testing

@testable import Reports

@Suite struct CompareReportTests {
  @Test func aResultComparedWithItselfChangesNothing() {
    let result = SyntheticResult.residualNetwork()
    let comparison = ResultComparison(result, result)
    #expect(comparison.matches.count == result.kernels.count)
    #expect(comparison.matches.allSatisfy { $0.change == .same && $0.difference == 0 })
    #expect(CompareReport.render(result, result).contains("No kernel changed its time."))
  }

  @Test func mergedKernelsAreMatchedBySource() {
    let first = SyntheticResult.residualNetwork()
    var second = first
    let gone = second.kernels.remove(at: 4)
    second.kernels[3].origin += gone.origin
    second.kernels[3].latencySeconds *= 1.2
    second.kernels[3].bound = .compute
    let comparison = ResultComparison(first, second)
    let merged = comparison.matches.filter { $0.change == .merged }
    #expect(merged.count == 1)
    #expect(merged.first?.first.map(\.id) == [3, 4])
    #expect(merged.first?.second.map(\.id) == [3])
    let text = CompareReport.render(first, second)
    #expect(text.contains("1 groups merged"))
    #expect(text.contains("2 kernels became one, bound by launch, now by compute"), "\(text)")
    #expect(CompareReport.render(second, first).contains("one kernel became 2"))
  }

  @Test func everyKernelIsInOneMatch() {
    let comparison = ResultComparison(SyntheticResult.residualNetwork(), SyntheticResult.transformer(layers: 3))
    #expect(comparison.matches.reduce(0) { $0 + $1.first.count } == comparison.first.kernels.count)
    #expect(comparison.matches.reduce(0) { $0 + $1.second.count } == comparison.second.kernels.count)
    #expect(comparison.matches.allSatisfy { $0.change == .onlyFirst || $0.change == .onlySecond })
  }

  @Test func differencesSumToTheTotals() {
    let first = SyntheticResult.residualNetwork()
    var second = first
    for index in second.kernels.indices { second.kernels[index].latencySeconds *= index % 2 == 0 ? 0.5 : 1.5 }
    let comparison = ResultComparison(first, second)
    let sum = comparison.matches.reduce(0) { $0 + $1.difference }
    let expected =
      second.kernels.reduce(0) { $0 + $1.latencySeconds } - first.kernels.reduce(0) { $0 + $1.latencySeconds }
    #expect(abs(sum - expected) < 1e-12)
  }

  @Test func repeatedBlocksAreToldOnce() {
    let first = SyntheticResult.transformer(layers: 12)
    var second = first
    for index in second.kernels.indices where second.kernels[index].kind == "matmul" { second.kernels[index].latencySeconds *= 0.5 }
    let changes = RepeatedChange.group(ResultComparison(first, second).matches)
    let matmuls = first.kernels.count { $0.kind == "matmul" }
    #expect(changes.reduce(0) { $0 + $1.matches.count } == matmuls)
    #expect(changes.count < matmuls)
    #expect(zip(changes, changes.dropFirst()).allSatisfy { $0.difference.magnitude >= $1.difference.magnitude })
    #expect(CompareReport.render(first, second).contains("  12 × A #"))
  }

  @Test func namesCannotSteerTheTerminal() {
    let text = CompareReport.render(SyntheticResult.hostile(), SyntheticResult.residualNetwork())
    for scalar in text.unicodeScalars { #expect(scalar == "\n" || scalar.value >= 32) }
  }
}
