import Basic
import Results
import Testing

@testable import Reports

@Suite struct ExplainReportTests {
  @Test func aKernelTellsWhyItTakesThatLong() throws {
    let text = try ExplainReport.render(SyntheticResult.residualNetwork(), .kernel("stage2/block1/conv2"))
    for word in [
      "#17 stage2/block1/conv2", "bound by launch: Launch takes", "floor", "moves", "through dram",
      "from the source nodes", "waits for #16", "waited for by #18",
    ] {
      #expect(text.contains(word), "no '\(word)' in\n\(text)")
    }
    #expect(try ExplainReport.render(SyntheticResult.residualNetwork(), .kernel("#17")) == text)
  }

  @Test func aFoldedNodeTellsWhereItWent() throws {
    var result = SyntheticResult.residualNetwork()
    result.folded = [.init(name: "Identity_3", reason: "does nothing")]
    #expect(try ExplainReport.render(result, .kernel("Identity_3")).contains("Identity_3 has no kernel: does nothing."))
  }

  /// All reports say the same of what is not modelled.
  @Test func theOpaqueShareReadsTheSameEverywhere() throws {
    var result = SyntheticResult.residualNetwork()
    result.totals.opaqueShare = 0.125
    let words = "of the latency is in operators that are not modelled: a lower bound, their arithmetic is unknown and only bytes count"
    #expect(TextReport.render(result).contains(words))
    #expect(try ExplainReport.render(result, .bottlenecks).contains("12.5 % \(words)"))
    #expect(HTMLSummary.text(result).contains(words))
  }

  @Test func anUnknownKernelIsAnErrorWithAHint() {
    let failure = #expect(throws: Failure.self) {
      _ = try ExplainReport.render(SyntheticResult.residualNetwork(), .kernel("stage2/block1/conv9"))
    }
    #expect(failure?.description.contains("did you mean 'stage2/block1/conv") == true)
  }

  @Test func bottlenecksSumToTheWhole() throws {
    let text = try ExplainReport.render(SyntheticResult.residualNetwork(), .bottlenecks)
    let shares = text.split(separator: "\n").filter { $0.contains("% of the time is bound by") }.compactMap {
      Double($0.prefix { $0 != " " })
    }
    #expect(abs(shares.reduce(0, +) - 100) < 0.3)
    #expect(text.contains("at most 40.0 % could ever be saved"))
  }

  @Test func missedFusionsNameTheReasonAndTheCost() throws {
    let text = try ExplainReport.render(SyntheticResult.residualNetwork(), .missedFusions)
    #expect(text.contains("attention (1):"))
    #expect(text.contains("The mask has another shape. They take"))
  }

  @Test func sparsityIsSortedByGain() throws {
    var result = SyntheticResult.residualNetwork()
    #expect(try ExplainReport.render(result, .sparsity).contains("says nothing about structured sparsity"))
    result.sparsity = [
      .init(
        layer: "a", eligible: true, chosen: false, gain: 1.01, bound: .memory, metadataBytes: 4096,
        reason: "activations dominate the traffic"),
      .init(
        layer: "b", eligible: true, chosen: true, gain: 1.6, bound: .compute, metadataBytes: 8192,
        reason: "twice the rate, half the weights"),
      .init(
        layer: "c", eligible: false, chosen: false, gain: 1, bound: .launch, metadataBytes: 0,
        reason: "7 channels are no multiple of 4"),
    ]
    let text = try ExplainReport.render(result, .sparsity)
    #expect(text.contains("Of 3 layers 2 are eligible and 1 use it."))
    #expect(text.contains("1 eligible layers gain less than 5 % because they are bound by off-chip memory."))
    let positions = ["  b: used, 1.60×", "  a: eligible, not used, 1.01×", "  c: not eligible"].compactMap {
      text.firstRange(of: $0)?.lowerBound
    }
    #expect(positions.count == 3 && positions == positions.sorted())
    let bytes = try JSONReport.encode(result)
    #expect(try JSONReport.decode(bytes, file: "r").sparsity == result.sparsity)
  }

  @Test(arguments: [ExplainReport.Question.bottlenecks, .missedFusions, .sparsity, .kernel("script")])
  func namesCannotSteerTheTerminal(question: ExplainReport.Question) throws {
    let text = try ExplainReport.render(SyntheticResult.hostile(), question)
    for scalar in text.unicodeScalars { #expect(scalar == "\n" || scalar.value >= 32) }
  }
}
