/// What part of a schedule to draw, and in which colours.
package struct ScheduleOptions: Sendable {
  package enum Grouping: String, Sendable, CaseIterable { case kernel, layer }
  package enum Fill: String, Sendable, CaseIterable { case family, format }
  package enum Folding: String, Sendable, CaseIterable { case automatic, never }

  /// Draw only what is within `hops` of the kernels whose name or origin contains this text.
  package var focus: String?
  package var hops = 2
  /// Draw this many of the slowest kernels one by one and merge the rest.
  package var top: Int?
  package var isCriticalPathOnly = false
  package var grouping = Grouping.kernel
  package var fill = Fill.family
  package var folding = Folding.automatic
  /// Clusters at most; the tail is merged and counted.
  package var clusterLimit = 150
  /// Columns side by side; nil chooses them so that the picture is about as wide as high.
  package var columns: Int?
  /// An edge over more ranks than this becomes a pair of labelled stubs.
  package var longestEdge = 12

  /// File name of the other picture of a before/after pair: every box links to its counterpart there.
  package var partner: String?

  /// Measured times to show beside the predicted ones.
  package var overlay: Overlay?

  package init() {}
}
