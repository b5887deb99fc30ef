import Compression
import Testing

@Suite struct ChoiceProblemTests {
  private func problem(items: Int, choices: Int, seed: UInt64, rounded: Bool) -> ChoiceProblem {
    var numbers = TestNumbers(seed: seed)
    return ChoiceProblem(
      (0..<items).map { _ in
        (0..<choices).map { _ in
          let (cost, loss) = (numbers.next() + 1, numbers.next())
          // Coarse numbers make many ties, which is where a search goes wrong.
          return rounded ? .init(cost: (cost * 4).rounded(), loss: (loss * 4).rounded()) : .init(cost: cost, loss: loss)
        }
      })
  }

  private func bruteForce(_ problem: ChoiceProblem, budget: Double) -> ChoiceProblem.Solution? {
    var best: ChoiceProblem.Solution?
    var choices = [Int](repeating: 0, count: problem.items.count)
    while true {
      let solution = problem.solution(choices)
      if solution.cost <= budget, best.map({ solution.loss < $0.loss }) ?? true { best = solution }
      var place = 0
      while place < choices.count {
        choices[place] += 1
        if choices[place] < problem.items[place].count { break }
        choices[place] = 0
        place += 1
      }
      if place == choices.count { return best }
    }
  }

  @Test(arguments: [(1, 3), (4, 3), (8, 2), (7, 3), (12, 2), (16, 2)])
  func equalsBruteForce(items: Int, choices: Int) {
    for seed in 0..<(items > 10 ? 2 : 6) as Range<UInt64> {
      let problem = problem(items: items, choices: choices, seed: seed + 1, rounded: seed % 2 == 1)
      let cheapest = problem.items.reduce(0) { $0 + ($1.map(\.cost).min() ?? 0) }
      let dearest = problem.items.reduce(0) { $0 + ($1.map(\.cost).max() ?? 0) }
      for share in [-0.1, 0, 0.2, 0.5, 0.8, 1.1] {
        let budget = cheapest + share * (dearest - cheapest)
        let exact = problem.optimum(budget: budget)
        let expected = bruteForce(problem, budget: budget)
        #expect((exact == nil) == (expected == nil))
        if let exact, let expected {
          #expect(abs(exact.loss - expected.loss) < 1e-9)
          #expect(exact.cost <= budget + 1e-9)
          #expect(problem.solution(exact.choices) == exact)
        }
      }
    }
  }

  @Test func frontIsConvexAndMeetsTheOptimum() {
    let problem = problem(items: 20, choices: 4, seed: 3, rounded: false)
    let front = problem.relaxedFront()
    for (a, b) in zip(front, front.dropFirst()) { #expect(b.cost > a.cost && b.loss < a.loss) }
    let slopes = zip(front, front.dropFirst()).map { ($1.loss - $0.loss) / ($1.cost - $0.cost) }
    #expect(slopes == slopes.sorted())
    for point in front { #expect(problem.optimum(budget: point.cost).map { abs($0.loss - point.loss) < 1e-9 } == true) }
  }

  /// Fifty layers with two choices are solved at once.
  @Test func manyLayers() {
    let problem = problem(items: 52, choices: 2, seed: 9, rounded: false)
    let front = problem.relaxedFront()
    let budget = (front[0].cost + front[front.count - 1].cost) / 2
    let optimum = problem.optimum(budget: budget)
    let relaxed = front.last { $0.cost <= budget }
    #expect((optimum?.loss ?? .infinity) <= (relaxed?.loss ?? -.infinity))
  }
}
