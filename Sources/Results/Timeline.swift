/// Who did what when: spans on resources, dependencies between kernels, memory in use.
package struct Timeline: Sendable, Codable, Hashable {
  package struct Resource: Sendable, Codable, Hashable {
    package var name: String
    /// False when several spans may run side by side.
    package var isExclusive: Bool

    package init(name: String, isExclusive: Bool = true) {
      self.name = name
      self.isExclusive = isExclusive
    }
  }

  package struct Span: Sendable, Codable, Hashable {
    /// `noKernel` for what a host or a driver does.
    package var kernel: Int
    package var resource: String
    /// Seconds from the start of the run.
    package var start: Double
    package var end: Double
    /// `compute`, `transfer`, `launch`, `stall` …
    package var kind: String

    package static let noKernel = -1

    package init(kernel: Int, resource: String, start: Double, end: Double, kind: String) {
      self.kernel = kernel
      self.resource = resource
      self.start = start
      self.end = end
      self.kind = kind
    }
  }

  package var resources: [Resource]
  package var spans: [Span]
  /// Pairs of kernel ids: the first must end before the second starts (or, for streams, start before it).
  package var dependencies: [[Int]]
  /// True when a consumer may start before its producer has ended (dataflow pipelines).
  package var isStreaming: Bool
  /// Bytes in use per memory level as steps `[cycle, bytes]`.
  package var occupancy: [String: [[Int]]]
  /// Capacity of the levels in `occupancy` that have one.
  package var capacity: [String: Int]

  package init(
    resources: [Resource] = [], spans: [Span] = [], dependencies: [[Int]] = [], isStreaming: Bool = false,
    occupancy: [String: [[Int]]] = [:], capacity: [String: Int] = [:]
  ) {
    self.resources = resources
    self.spans = spans
    self.dependencies = dependencies
    self.isStreaming = isStreaming
    self.occupancy = occupancy
    self.capacity = capacity
  }
}
