/// The outputs of a recurrent layer while they are filled, in either layout.
struct RecurrentStates {
  let directions: Int
  let batch: Int
  let length: Int
  let hidden: Int
  let isBatchFirst: Bool
  private(set) var all: [Double]
  private(set) var h: [Double]
  private(set) var c: [Double]

  init(directions: Int, batch: Int, length: Int, hidden: Int, isBatchFirst: Bool) {
    self.directions = directions
    self.batch = batch
    self.length = length
    self.hidden = hidden
    self.isBatchFirst = isBatchFirst
    all = [Double](repeating: 0, count: length * directions * batch * hidden)
    h = [Double](repeating: 0, count: directions * batch * hidden)
    c = h
  }

  var allShape: [Int] { isBatchFirst ? [batch, length, directions, hidden] : [length, directions, batch, hidden] }
  var lastShape: [Int] { isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden] }

  func lastOffset(_ direction: Int, _ image: Int) -> Int {
    (isBatchFirst ? image * directions + direction : direction * batch + image) * hidden
  }

  mutating func record(_ state: [Double], _ direction: Int, _ image: Int, _ time: Int) {
    let row = isBatchFirst ? (image * length + time) * directions + direction : (time * directions + direction) * batch + image
    all.replaceSubrange((row * hidden)..<((row + 1) * hidden), with: state)
  }

  mutating func finish(_ state: [Double], _ cellState: [Double], _ direction: Int, _ image: Int) {
    let start = lastOffset(direction, image)
    h.replaceSubrange(start..<(start + hidden), with: state)
    c.replaceSubrange(start..<(start + hidden), with: cellState)
  }
}
