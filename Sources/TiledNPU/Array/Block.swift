/// Height, width and depth of a block of a feature map.
package struct Block: Hashable, Sendable, CustomStringConvertible {
  package var height: Int
  package var width: Int
  package var depth: Int

  package init(_ height: Int, _ width: Int, _ depth: Int) {
    self.height = height
    self.width = width
    self.depth = depth
  }

  package var area: Int { height * width }
  package var volume: Int { height * width * depth }
  package var description: String { "\(height)×\(width)×\(depth)" }

  package func clipped(to other: Block) -> Block {
    Block(min(height, other.height), min(width, other.width), min(depth, other.depth))
  }
}
