import IR
import Ops
import Testing

/// What the rewriter remembers between edits stays true after them.
@Suite struct RewriterTests {
  private static let type = ValueType.tensor(TensorType(.float32, [2]))

  private struct Chain {
    var graph: Graph
    var x: ValueID
    var constant: ValueID
    var nodes: [NodeID]
  }

  /// x → a → b → y, and the constant that a adds.
  private static func chain() throws -> Chain {
    var rewriter = Rewriter(Graph(name: "chain"))
    let x = rewriter.addInput(type, name: "x")
    let constant = rewriter.addConstant(Constant(Tensor([2], floats: [1, 2])), name: "c")
    let a = try rewriter.addNode(BinaryElementwise(.add), [x, constant], name: "a", origin: Origin(["a"]))
    let b = try rewriter.addNode(UnaryElementwise(.relu), rewriter.graph[a].outputs, name: "b", origin: Origin(["b"]))
    rewriter.setOutputs(rewriter.graph[b].outputs)
    return Chain(graph: rewriter.finish(), x: x, constant: constant, nodes: [a, b])
  }

  @Test func theOrderFollowsEdits() throws {
    let chain = try Self.chain()
    let (x, nodes) = (chain.x, chain.nodes)
    var rewriter = Rewriter(chain.graph)
    var order = rewriter.executionOrder()
    #expect(order == nodes)
    // A new node before all others stands last in the graph and first in the order.
    let front = try rewriter.addNode(UnaryElementwise(.abs), [x], name: "front", origin: Origin())
    rewriter.setInput(0, of: nodes[0], to: rewriter.graph[front].outputs[0])
    order = rewriter.executionOrder()
    #expect(order == [front] + nodes)
    rewriter.replaceUses(of: rewriter.graph[front].outputs[0], with: x)
    rewriter.erase(front, reason: "test")
    order = rewriter.executionOrder()
    #expect(order == nodes)
    let computed = rewriter.finish().topologicalOrder()
    #expect(computed == nodes)
  }

  @Test func nodesOfAKindFollowEdits() throws {
    let chain = try Self.chain()
    let nodes = chain.nodes
    var rewriter = Rewriter(chain.graph)
    func found(_ kind: any Operator, _ rewriter: inout Rewriter) -> [NodeID] { rewriter.executionOrder(of: [NodeKind(kind)]) }
    #expect(found(BinaryElementwise(.add), &rewriter) == [nodes[0]])
    // The function counts for a kind, not for an operator.
    #expect(found(BinaryElementwise(.mul), &rewriter).isEmpty)
    var binary = rewriter.executionOrder(of: [BinaryElementwise.self])
    #expect(binary == [nodes[0]])
    rewriter.setOperation(BinaryElementwise(.mul), of: nodes[0])
    #expect(found(BinaryElementwise(.mul), &rewriter) == [nodes[0]])
    let made = try rewriter.addNode(BinaryElementwise(.mul), [chain.x, chain.x], name: "square", origin: Origin())
    #expect(found(BinaryElementwise(.mul), &rewriter) == [nodes[0], made])
    let (square, uses) = (rewriter.graph[made].outputs[0], rewriter.uses)
    #expect(uses.maker(square)?.id == made && uses.maker(square)?.kind == NodeKind(BinaryElementwise(.mul)))
    #expect(uses.maker(chain.x) == nil && uses.maker(chain.constant) == nil)
    rewriter.erase(made, reason: "test")
    binary = rewriter.executionOrder(of: [BinaryElementwise.self])
    #expect(binary == [nodes[0]])
  }

  @Test func functionsAreToldApart() {
    #expect(
      Set(BinaryElementwise.Function.allCases.map { NodeKind(BinaryElementwise($0)) }).count == BinaryElementwise.Function.allCases.count)
    #expect(
      Set(UnaryElementwise.Function.allCases.map { NodeKind(UnaryElementwise($0)) }).count == UnaryElementwise.Function.allCases.count)
    #expect(NodeKind(Identity()) == NodeKind(Identity()))
    #expect(NodeKind(Identity()) != NodeKind(Reshape()))
  }

  @Test func deadConstantsGoWheneverTheyDie() throws {
    let chain = try Self.chain()
    let (x, nodes, constant) = (chain.x, chain.nodes, chain.constant)
    var rewriter = Rewriter(chain.graph)
    rewriter.eraseDeadConstants()
    let (isThere, changes) = (rewriter.graph.contains(constant), rewriter.changeCount)
    #expect(isThere)
    rewriter.eraseDeadConstants()
    let again = rewriter.changeCount
    #expect(again == changes)
    // Loses its reader after the first look.
    rewriter.setInput(1, of: nodes[0], to: x)
    // Never had one.
    let unread = rewriter.addConstant(Constant(integers: [1]), name: "unread")
    rewriter.eraseDeadConstants()
    let graph = rewriter.finish()
    #expect(!graph.contains(constant) && !graph.contains(unread))
    #expect(graph.verify().isEmpty)
  }

  @Test func aConstantThatIsNoOutputAnyMoreDies() throws {
    let chain = try Self.chain()
    var rewriter = Rewriter(chain.graph)
    let result = chain.graph.outputs[0]
    let extra = rewriter.addConstant(Constant(integers: [7]), name: "extra")
    rewriter.setOutputs([result, extra])
    rewriter.eraseDeadConstants()
    let isKept = rewriter.graph.contains(extra)
    #expect(isKept)
    rewriter.setOutputs([result])
    rewriter.eraseDeadConstants()
    let isGone = !rewriter.graph.contains(extra)
    #expect(isGone)
  }

  @Test func copiesOfANodeDoNotShareChanges() throws {
    let chain = try Self.chain()
    let original = chain.graph[chain.nodes[0]]
    var copy = original
    copy.inputs[1] = chain.x
    copy.name = "other"
    #expect(original.inputs != copy.inputs && original.name == "a" && copy.operation is BinaryElementwise)
    #expect(copy.operation(as: UnaryElementwise.self) == nil && copy.operation(as: BinaryElementwise.self)?.function == .add)
  }
}
