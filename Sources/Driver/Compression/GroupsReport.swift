package import Basic
internal import Compression
internal import IR

/// Which channels and heads of a model can only go together, what they weigh, and what blocks the rest.
package struct GroupsReport: Sendable, Codable {
  package struct Group: Sendable, Codable, Hashable {
    /// Layers that make the channels.
    package var producers: [String]
    /// Layers that read them.
    package var consumers: [String]
    package var units: Int
    /// Positions of one unit along the producer's outputs: 1 for channels, the head dimension for heads.
    package var width: Int
    /// Parameters that go with one unit.
    package var parametersPerUnit: Int
    /// Channels of several layers are joined by a sum.
    package var isJoined: Bool
    /// Why nothing can go; nil when units can.
    package var blockedBy: String?
  }

  package var schema = "cyclewright.groups/1"
  package var model: String
  package var groups: [Group]

  package init(_ request: ModelRequest) throws(Failure) {
    let loaded = try LoadedModel(request)
    model = loaded.name
    groups = ChannelGroup.all(in: loaded.graph).map { group in
      Group(
        producers: group.producers.map(\.name), consumers: group.consumers.map(\.name), units: group.units.count, width: group.width,
        parametersPerUnit: group.parameters(in: loaded.graph, removing: 1), isJoined: group.isJoined,
        blockedBy: group.group.obstacle?.reason ?? (group.consumers.isEmpty ? "no layer reads it" : nil))
    }
  }

  package func json() throws(Failure) -> String { try prettyJSON(self) }

  package func text() -> String {
    var table = TextTable([
      ("units", .right), ("width", .right), ("params/unit", .right), ("made by", .left), ("read by", .left), ("", .left),
    ])
    for group in groups {
      table.add([
        "\(group.units)", "\(group.width)", "\(group.parametersPerUnit)", group.producers.joined(separator: " + "),
        group.consumers.joined(separator: ", "), group.blockedBy.map { "blocked: \($0)" } ?? (group.isJoined ? "joined by a sum" : "free"),
      ])
    }
    let free = groups.count { $0.blockedBy == nil }
    return table.render() + "\n\n\(groups.count) groups of channels or heads; \(free) can be cut\n"
  }
}
