internal import IR
internal import Ops

/// Replaces the members of a group by one `fused` node whose body holds copies of them.
func makeFusedNode(_ group: FusionGroup, in rewriter: inout Rewriter) {
  let graph = rewriter.graph
  var body = Rewriter(Graph(name: group.rule))
  var inside: [ValueID: ValueID] = [:]
  var inputs: [ValueID] = []
  var origin = Origin()
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
          inside[input] = body.addConstant(constant, name: graph[input].name)
        } else {
          inside[input] = body.addInput(graph[input].type, name: graph[input].name)
          inputs.append(input)
        }
      }
      mapped.append(inside[input])
    }
    let copy = body.addNode(
      node.operation, mapped, types: node.outputs.map { graph[$0].type }, name: node.name, origin: node.origin,
      regions: node.regions, outputNames: node.outputs.map { graph[$0].name })
    for (output, copied) in zip(node.outputs, body.graph[copy].outputs) { inside[output] = copied }
  }
  guard let last = group.members.last, let result = inside[group.result] else { return }
  body.setOutputs([result])
  // Parts of one source node have its name.
  let own = origin.names.count == 1 ? origin.names.first : nil
  let name = own ?? graph[group.members.first { isAnchor($0, graph) } ?? last].name
  let fused = rewriter.addNode(
    FusedGroup(rule: group.rule), inputs, types: [graph[group.result].type], name: name,
    origin: origin, regions: [body.finish()], outputNames: [graph[group.result].name])
  rewriter.replaceUses(of: group.result, with: rewriter.graph[fused].outputs[0])
  for id in group.members.reversed() { rewriter.erase(id, reason: "fused", heir: fused) }
}

private func isAnchor(_ id: NodeID, _ graph: Graph) -> Bool {
  switch graph.computation(of: graph[id]) {
  case .contraction, .attention, .reduction, .loop: true
  case .pointwise, .movement, .opaque, nil: false
  }
}
