import Basic
import Testing

/// What may have been meant.
struct SpellingTests {
  private static let machines = ["vendor-a10", "vendor-a100-pcie", "vendor-a100-sxm", "vendor-h100", "other-u55"]

  @Test(arguments: [
    ("vendor-a100", "vendor-a100-pcie, vendor-a100-sxm"), ("A100", "vendor-a100-pcie, vendor-a100-sxm"), ("vendor-h10", "vendor-h100"),
    ("othr-u55", "other-u55"), ("h100", "vendor-h100"),
  ])
  func namesThatBeginAlikeComeFirst(_ word: String, _ expected: String) {
    #expect(likelyNames(for: word, in: Self.machines) == expected)
  }

  @Test func whatIsFarFromEverythingIsNothing() { #expect(likelyNames(for: "quantum", in: Self.machines) == nil) }
}
