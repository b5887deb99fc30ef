package import Basic
package import Results

/// The fused schedule as a graph: a cluster per kernel, its source operations as rows, tensors as edges.
package enum ScheduleReport: Report {
  package static let name = "schedule"
  package static let summary = "the fused schedule as a graph, a cluster per kernel"
  package static let fileExtensions = ["svg", "dot", "png", "pdf"]

  package static func render(
    _ result: RunResult, as fileExtension: String, _ options: ReportOptions
  ) throws(Failure) -> RenderedReport {
    let dot = try dot(result, options.schedule)
    return fileExtension == "dot" ? RenderedReport(dot) : options.graphviz.report(dot, as: fileExtension)
  }

  /// The picture in the DOT language; laying it out is Graphviz's part.
  package static func dot(_ result: RunResult, _ options: ScheduleOptions = ScheduleOptions()) throws(Failure) -> String {
    let graph = KernelGraph(result)
    let picture = SchedulePicture(graph, options)
    if let focus = options.focus, picture.clusters.isEmpty {
      let names = graph.kernels.flatMap { [$0.name] + $0.origin }
      throw Failure(
        "no kernel and no source node is called '\(focus)'",
        fix: nearestSpelling(to: focus, in: names).map { "did you mean '\($0)'?" })
    }
    return ScheduleDOT(result, picture, options).text
  }
}
