import Foundation
import Hardware
import Testing

@testable import Driver

/// Tables of measurements against predictions, in closed form and by events.
struct ValidationTests {
  private static let catalog = TargetCatalog(
    folder: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "targets").path)

  private func run(_ table: String, _ fidelity: Validation.Options) throws -> Validation {
    let file = FileManager.default.temporaryDirectory.appending(path: "validation-\(UUID().uuidString).csv")
    try table.write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    return try Validation.run(files: [file.path], options: fidelity)
  }

  private let products = """
    gpu,dtype,op,batch,m,n,k,latency_us,source,lib
    A100-SXM4-80GB,bf16,linear,1,4096,4096,4096,560,aiconfigurator,x
    A100-SXM4-80GB,bf16,linear,1,17,3000,512,7,aiconfigurator,x
    A100-SXM4-80GB,bf16,linear,1,0,3000,512,7,aiconfigurator,x
    """

  @Test func eventsAreComparedWithTheClosedForm() throws {
    let event = try run(products, .init(catalog: Self.catalog, fidelity: .event))
    let difference = try #require(event.groups.first?.eventDifference)
    #expect(difference < 0.02)
    #expect(event.text().contains("event vs fast"))
    #expect(try event.json().contains("event_difference"))
  }

  @Test func oneFormIsAskedForUnlessEventsAre() throws {
    let fast = try run(products, .init(catalog: Self.catalog))
    #expect(fast.groups.allSatisfy { $0.eventDifference == nil })
    #expect(!fast.text().contains("event vs fast"))
  }

  /// Rows that cannot be predicted are counted and named in both forms.
  @Test func skippedRowsAreNamed() throws {
    let event = try run(products, .init(catalog: Self.catalog, fidelity: .event))
    #expect(event.overall.rows == 2)
    #expect(event.overall.skipped == 1)
    #expect(event.skips.first?.why.contains("positive") == true)
  }
}
