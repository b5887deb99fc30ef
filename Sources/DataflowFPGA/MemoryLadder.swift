/// Shapes one memory primitive can take, from deep and narrow to shallow and wide.
package struct MemoryLadder: Sendable, Hashable {
  package struct Rung: Sendable, Hashable {
    package var depth: Int
    package var width: Int

    package init(depth: Int, width: Int) {
      self.depth = depth
      self.width = width
    }
  }

  package var name: String
  package var rungs: [Rung]

  package init(name: String, rungs: [Rung]) {
    self.name = name
    self.rungs = rungs.sorted { $0.depth > $1.depth }
  }

  /// Fewest primitives that hold `depth` words of `width` bits: min over rungs of ceil(depth/d)·ceil(width/w).
  package func primitives(depth: Int, width: Int) -> Int {
    guard depth > 0, width > 0 else { return 0 }
    return rungs.map { Self.ceil(depth, $0.depth) * Self.ceil(width, $0.width) }.min() ?? 0
  }

  static func ceil(_ value: Int, _ unit: Int) -> Int { (value + unit - 1) / unit }
}

/// Which memory a word array goes into.
package enum MemoryKind: String, Sendable, Hashable, CaseIterable {
  case registers, lut, block, ultra
}

/// The memories of a part and the limits at which a tool changes from one to the next.
package struct MemorySystem: Sendable, Hashable {
  /// Distributed memory: primitives of look-up tables.
  package var lut: MemoryLadder
  /// Block memory in halves (18 Kb).
  package var block: MemoryLadder
  /// Ultra memory, empty when the part has none.
  package var ultra: MemoryLadder
  /// Deepest array that stays in look-up tables.
  package var lutDepth: Int
  /// Least share of an ultra primitive's bits that must be used for it to be taken.
  package var ultraFill: Double

  package init(lut: MemoryLadder, block: MemoryLadder, ultra: MemoryLadder, lutDepth: Int, ultraFill: Double) {
    self.lut = lut
    self.block = block
    self.ultra = ultra
    self.lutDepth = lutDepth
    self.ultraFill = ultraFill
  }

  package struct Placement: Sendable, Hashable {
    package var kind: MemoryKind
    package var primitives: Int

    package init(kind: MemoryKind, primitives: Int) {
      self.kind = kind
      self.primitives = primitives
    }
  }

  /// Where `depth` words of `width` bits go; `writable` arrays may use ultra memory, ROMs may not (no initial contents).
  package func place(depth: Int, width: Int, writable: Bool, allowUltra: Bool) -> Placement {
    guard depth > 0, width > 0 else { return Placement(kind: .registers, primitives: 0) }
    if depth <= lutDepth { return Placement(kind: .lut, primitives: lut.primitives(depth: depth, width: width)) }
    if writable, allowUltra, let rung = ultra.rungs.first {
      let count = ultra.primitives(depth: depth, width: width)
      let capacity = Double(count * rung.depth * rung.width)
      if Double(depth * width) >= ultraFill * capacity { return Placement(kind: .ultra, primitives: count) }
    }
    return Placement(kind: .block, primitives: block.primitives(depth: depth, width: width))
  }
}
