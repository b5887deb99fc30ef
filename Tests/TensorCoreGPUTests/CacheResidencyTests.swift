import IR
import Lowering
import Testing

@testable import TensorCoreGPU

/// Reuse distances over a run: what is found in the L2, and what never leaves it.
struct CacheResidencyTests {
  private func tensor(_ id: Int, _ bytes: Int, isConstant: Bool = false) -> Kernel.Tensor {
    let operand = Operand(element: .int8, count: bytes, isConstant: isConstant)
    return Kernel.Tensor(id: id, name: "t\(id)", type: TensorType(.int8, [bytes]), operand: operand)
  }

  private func kernel(_ id: Int, _ reads: [Kernel.Tensor], _ writes: [Kernel.Tensor]) -> Kernel {
    let step = Kernel.Step(
      computation: .pointwise(
        Pointwise(
          function: "add", count: 1, inputs: reads.map(\.operand), outputs: writes.map(\.operand),
          costPerElement: ArithmeticCost(simple: 1))),
      label: "add", inputs: reads.map(\.id), outputs: writes.map(\.id))
    return Kernel(id: id, name: "k\(id)", origin: [], steps: [step], anchor: 0, reads: reads, writes: writes, dependencies: [])
  }

  /// x → a → b → c, where c also adds a; w is a weight of the first kernel.
  private func chain(_ size: Int) -> [Kernel] {
    let (x, w) = (tensor(0, size), tensor(1, size, isConstant: true))
    let (a, b, c) = (tensor(2, size), tensor(3, size), tensor(4, size))
    return [kernel(0, [x, w], [a]), kernel(1, [a], [b]), kernel(2, [b, a], [c])]
  }

  @Test func whatWasJustWrittenIsFoundAsFarAsItFits() {
    #expect(CacheResidency(chain(1000), held: 1000).views[1].reads[2] == 1)
    #expect(CacheResidency(chain(1000), held: 250).views[1].reads[2] == 0.25)
  }

  @Test func whatReadersFindWholeStaysOnChip() {
    #expect(CacheResidency(chain(1000), held: 1000).stayingOnChip.contains(2))
    #expect(!CacheResidency(chain(1000), held: 250).stayingOnChip.contains(2))
    #expect(!CacheResidency(chain(1000), held: .infinity).stayingOnChip.contains(0), "inputs come from outside")
  }

  @Test func aResidualIsOlderThanWhatTheKernelBeforeWrote() {
    // The kernel between has read a again and written b: a was touched last at its end, b too.
    let views = CacheResidency(chain(1000), held: 500).views
    #expect(views[2].reads[2] == 0.5)
    let (x, y) = (tensor(0, 1000), tensor(9, 1000))
    let (a, b, c) = (tensor(2, 1000), tensor(3, 1000), tensor(4, 1000))
    let apart = [kernel(0, [x], [a]), kernel(1, [y], [b]), kernel(2, [b, a], [c])]
    // Two thousand bytes passed since a was written.
    #expect(CacheResidency(apart, held: 2500).views[2].reads[2] == 0.5)
    #expect(CacheResidency(apart, held: 2000).views[2].reads[2] == 0)
  }

  @Test func weightsSurviveOnlyWhenAWholeRunFits() {
    let run = 8000.0
    #expect(CacheResidency(chain(1000), held: run).views[0].reads[1] == 0)
    #expect(CacheResidency(chain(1000), held: run + 1000).views[0].reads[1] == 1)
    #expect(CacheResidency(chain(1000), held: .infinity).views[0].reads[0] == 0, "inputs come from outside")
  }

  @Test func resultsOfTheModelReachMemoryAndOthersMayStay() {
    let views = CacheResidency(chain(1000), held: 1e9).views
    #expect(views[0].stored == 1)
    #expect(views[2].stored == 0)
    #expect(CacheResidency(chain(1000), held: 100).views[0].stored == 0)
  }

  @Test(arguments: [0.0, 700, 1500, 4000, 20_000]) func sharesAreSharesAndGrowWithTheCache(_ held: Double) {
    let small = CacheResidency(chain(1000), held: held).views
    let large = CacheResidency(chain(1000), held: held * 1.5).views
    for (a, b) in zip(small, large) {
      for (id, share) in a.reads {
        #expect((0...1).contains(share))
        #expect(share <= b.reads[id] ?? -1)
      }
      #expect((0...1).contains(a.stored) && a.stored <= b.stored)
    }
  }
}
