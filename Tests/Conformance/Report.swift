/// Counts by group, and every case that failed with its reason.
struct Report {
  /// Share of cases that must evaluate to the expected output.
  private static let evaluationBar = 0.98

  private let cases: [ConformanceCase]
  private let outcomes: [ConformanceCase.Outcome]
  private let isVerbose: Bool

  init(_ cases: [ConformanceCase], _ outcomes: [ConformanceCase.Outcome], isVerbose: Bool) {
    self.cases = cases
    self.outcomes = outcomes
    self.isVerbose = isVerbose
  }

  /// Prints the report; 0 when the bars hold and every failure is a known exception.
  func printed() -> Int32 {
    let pairs = Array(zip(cases, outcomes))
    print("group               cases  imported  types  evaluated")
    for group in ["node", "simple", "pytorch-converted", "pytorch-operator", "light"] {
      row(group, pairs.filter { $0.0.group == group }.map(\.1))
    }
    row("all", outcomes)
    let failed = pairs.filter { !$0.1.evaluated }
    let unexpected = failed.filter { Exceptions.reasons[$0.0.id] == nil }
    for (item, outcome) in failed {
      if let reason = Exceptions.reasons[item.id] {
        print("exception  \(item.id): \(reason)\(isVerbose ? " (\(outcome.problem))" : "")")
      }
    }
    for (item, outcome) in unexpected { print("FAILED     \(item.id): \(outcome.problem)") }
    let evaluated = outcomes.count { $0.evaluated }
    let typed = outcomes.count { $0.typesAgree }
    let holds = typed == cases.count && Double(evaluated) >= Report.evaluationBar * Double(cases.count)
    return holds && unexpected.isEmpty ? 0 : 1
  }

  private func row(_ name: String, _ outcomes: [ConformanceCase.Outcome]) {
    guard !outcomes.isEmpty else { return }
    let counts = [
      outcomes.count, outcomes.count { $0.imported }, outcomes.count { $0.typesAgree }, outcomes.count { $0.evaluated },
    ]
    let widths = [25 - 20, 9, 7, 10]
    let cells = zip(counts, widths).map { count, width in
      String(repeating: " ", count: max(1, width - "\(count)".count)) + "\(count)"
    }
    print(name + String(repeating: " ", count: max(1, 20 - name.count)) + cells.joined())
  }
}
