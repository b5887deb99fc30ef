/// One choice for every item so that the total loss is smallest and the total cost within a budget: the multiple-choice
/// knapsack behind mixed precision, solved exactly.
package struct ChoiceProblem: Sendable {
  package struct Choice: Sendable, Hashable {
    package var cost: Double
    package var loss: Double

    package init(cost: Double, loss: Double) {
      self.cost = cost
      self.loss = loss
    }
  }

  package struct Solution: Sendable, Hashable {
    /// Index of the choice of every item.
    package var choices: [Int]
    package var cost: Double
    package var loss: Double
  }

  /// Choices of every item; each item has at least one.
  package let items: [[Choice]]

  package init(_ items: [[Choice]]) {
    precondition(items.allSatisfy { !$0.isEmpty }, "an item without a choice")
    self.items = items
  }

  /// Cost and loss of given choices, summed in item order.
  package func solution(_ choices: [Int]) -> Solution {
    var result = Solution(choices: choices, cost: 0, loss: 0)
    for (item, choice) in zip(items, choices) {
      result.cost += item[choice].cost
      result.loss += item[choice].loss
    }
    return result
  }

  /// The best choices within a budget; nil when even the cheapest ones cost more.
  ///
  /// Partial solutions that another beats in both cost and loss are dropped (Nemhauser, Ullmann), and so are those that the
  /// relaxation to fractional choices cannot bring below the best solution known. Both are exact for real-valued costs.
  package func optimum(budget: Double) -> Solution? {
    // Sums in another order may differ in the last bits; a solution that costs the budget to 12 digits is within it.
    let limit = budget + budget.magnitude * 1e-12
    let cheapest = items.map { $0.map(\.cost).min() ?? 0 }
    var cheapestRest = [Double](repeating: 0, count: items.count + 1)
    for index in items.indices.reversed() { cheapestRest[index] = cheapestRest[index + 1] + cheapest[index] }
    guard cheapestRest[0] <= limit else { return nil }
    var best = relaxedFront().last { $0.cost <= limit }
    let relaxations = items.indices.map { Relaxation(items[($0 + 1)...]) }
    var states = [State(cost: 0, loss: 0, parent: -1, choice: -1)]
    var history: [[State]] = []
    for index in items.indices {
      var next: [State] = []
      for (parent, state) in states.enumerated() {
        for (choice, option) in items[index].enumerated() {
          let grown = State(cost: state.cost + option.cost, loss: state.loss + option.loss, parent: parent, choice: choice)
          guard grown.cost + cheapestRest[index + 1] <= limit else { continue }
          if let best, grown.loss + relaxations[index].loss(within: limit - grown.cost) > best.loss + best.loss.magnitude * 1e-12 + 1e-300 {
            continue
          }
          next.append(grown)
        }
      }
      next.sort { ($0.cost, $0.loss, $0.parent, $0.choice) < ($1.cost, $1.loss, $1.parent, $1.choice) }
      var kept: [State] = []
      for state in next where kept.last.map({ state.loss < $0.loss }) ?? true { kept.append(state) }
      history.append(kept)
      states = kept
    }
    if let winner = states.indices.min(by: { (states[$0].loss, states[$0].cost) < (states[$1].loss, states[$1].cost) }) {
      let found = solution(traced(winner, history))
      if best.map({ found.loss < $0.loss }) ?? true { best = found }
    }
    return best
  }

  /// Solutions on the lower convex hull of loss over cost, from the cheapest on: all that some price per unit of cost makes
  /// optimal (a Lagrangian sweep over every price).
  package func relaxedFront() -> [Solution] {
    let hulls = items.map(Relaxation.hull)
    var choices = hulls.map { $0[0].choice }
    var front = [solution(choices)]
    for step in Relaxation.steps(hulls) {
      choices[step.item] = step.choice
      front.append(solution(choices))
    }
    return front
  }

  private struct State {
    var cost: Double
    var loss: Double
    var parent: Int
    var choice: Int
  }

  private func traced(_ winner: Int, _ history: [[State]]) -> [Int] {
    var choices = [Int](repeating: 0, count: items.count)
    var place = winner
    for index in items.indices.reversed() {
      choices[index] = history[index][place].choice
      place = history[index][place].parent
    }
    return choices
  }
}

/// The knapsack with fractional choices: a lower bound on the loss.
private struct Relaxation {
  struct Point {
    var choice: Int
    var cost: Double
    var loss: Double
  }

  struct Step {
    var item: Int
    var choice: Int
    var cost: Double
    /// Negative: what is gained.
    var loss: Double
  }

  private let base: (cost: Double, loss: Double)
  private let steps: [Step]

  init(_ items: ArraySlice<[ChoiceProblem.Choice]>) {
    let hulls = items.map(Relaxation.hull)
    base = hulls.reduce((0, 0)) { ($0.0 + $1[0].cost, $0.1 + $1[0].loss) }
    steps = Relaxation.steps(hulls)
  }

  /// The least loss of fractional choices within a cost, which must allow the cheapest ones.
  func loss(within budget: Double) -> Double {
    var (left, loss) = (budget - base.cost, base.loss)
    for step in steps {
      guard step.cost < left else { return loss + step.loss * max(0, left) / step.cost }
      left -= step.cost
      loss += step.loss
    }
    return loss
  }

  /// Choices on the lower convex hull, from the cheapest to the one of least loss.
  static func hull(_ choices: [ChoiceProblem.Choice]) -> [Point] {
    let sorted = choices.indices.map { Point(choice: $0, cost: choices[$0].cost, loss: choices[$0].loss) }
      .sorted { ($0.cost, $0.loss, $0.choice) < ($1.cost, $1.loss, $1.choice) }
    var hull: [Point] = []
    for point in sorted {
      if let last = hull.last, point.loss >= last.loss { continue }
      while hull.count >= 2 {
        let (a, b) = (hull[hull.count - 2], hull[hull.count - 1])
        // b lies on or above the line from a to the new point.
        guard (b.loss - a.loss) * (point.cost - a.cost) >= (point.loss - a.loss) * (b.cost - a.cost) else { break }
        hull.removeLast()
      }
      hull.append(point)
    }
    return hull
  }

  /// Moves along all hulls, the largest gain per cost first; within an item they come in order because hulls are convex.
  static func steps(_ hulls: [[Point]]) -> [Step] {
    var steps: [Step] = []
    for (item, hull) in hulls.enumerated() {
      for (a, b) in zip(hull, hull.dropFirst()) {
        steps.append(Step(item: item, choice: b.choice, cost: b.cost - a.cost, loss: b.loss - a.loss))
      }
    }
    return steps.enumerated().sorted { x, y in
      let (left, right) = (x.element.loss * y.element.cost, y.element.loss * x.element.cost)
      return left != right ? left < right : x.offset < y.offset
    }.map(\.element)
  }
}
