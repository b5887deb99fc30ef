internal import IR
internal import Ops

/// Replaces the members of a group by one `fused` node whose body holds copies of them.
func makeFusedNode(_ group: FusionGroup, in rewriter: inout Rewriter, _ names: inout SourceNames) {
  guard let plan = FusedNodePlan(group, rewriter) else { return }
  let name = names.name(of: plan, group, rewriter)
  let fused = rewriter.addNode(
    FusedGroup(rule: group.rule), plan.inputs, types: [plan.type], name: name, origin: plan.origin, regions: [plan.body],
    outputNames: [plan.outputName])
  rewriter.replaceUses(of: group.result, with: rewriter.graph[fused].outputs[0])
  for id in group.members.reversed() { rewriter.erase(id, reason: "fused", heir: fused) }
}

/// Which groups may be called after the source node they all come from: a function or a branch may make several.
struct SourceNames: ~Copyable {
  private let nodes: Set<String>
  private var used: Set<String> = []

  init(_ graph: borrowing Graph) {
    var names: Set<String> = []
    for id in graph.nodeIDs { names.insert(graph[id].name) }
    nodes = names
  }

  fileprivate mutating func name(of plan: borrowing FusedNodePlan, _ group: FusionGroup, _ rewriter: borrowing Rewriter) -> String {
    guard plan.origin.names.count == 1, let own = plan.origin.names.first else { return plan.name }
    let isPart = group.members.contains { rewriter.graph[$0].name == own }
    return (isPart || !nodes.contains(own)) && used.insert(own).inserted ? own : plan.name
  }
}

/// Everything the new node needs, gathered before the first edit: a graph that is looked at while it changes would be
/// copied whole.
private struct FusedNodePlan {
  var inputs: [ValueID] = []
  var body = Graph(name: "")
  var origin = Origin()
  var name = ""
  var type: ValueType
  var outputName: String

  init?(_ group: FusionGroup, _ rewriter: borrowing Rewriter) {
    let graph = rewriter.graph
    type = graph[group.result].type
    outputName = graph[group.result].name
    var builder = Rewriter(Graph(name: group.rule))
    var inside: [ValueID: ValueID] = [:]
    for id in group.members {
      let node = graph[id]
      origin.merge(node.origin)
      var mapped: [ValueID?] = []
      for input in node.inputs {
        guard let input else {
          mapped.append(nil)
          continue
        }
        if inside[input] == nil {
          // Small integer constants (axes, pads) move into the body, where shapes can be told from them.
          if let constant = graph[input].constant, constant.shapeContents != nil {
            inside[input] = builder.addConstant(constant, name: graph[input].name)
          } else {
            inside[input] = builder.addInput(graph[input].type, name: graph[input].name)
            inputs.append(input)
          }
        }
        mapped.append(inside[input])
      }
      let copy = builder.addNode(
        node.operation, mapped, types: node.outputs.map { graph[$0].type }, name: node.name, origin: node.origin,
        regions: node.regions, outputNames: node.outputs.map { graph[$0].name })
      for (output, copied) in zip(node.outputs, builder.graph[copy].outputs) { inside[output] = copied }
    }
    guard let last = group.members.last, let result = inside[group.result] else { return nil }
    builder.setOutputs([result])
    body = builder.finish()
    name = graph[group.anchor ?? last].name
  }
}
