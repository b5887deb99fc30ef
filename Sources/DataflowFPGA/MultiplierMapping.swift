/// The hard multiplier of a part and the port widths that decide how many a product takes.
package struct DSPBlock: Sendable, Hashable {
  package var name: String
  /// Signed widths of the wide and the narrow port, bits.
  package var wide: Int
  package var narrow: Int
  /// Products of the given operand width that share one block (operand packing), widest first.
  package var packing: [Packing]

  /// `count` products of operands up to `bits` wide with one shared operand fit one block.
  package struct Packing: Sendable, Hashable {
    package var bits: Int
    package var count: Int

    package init(bits: Int, count: Int) {
      self.bits = bits
      self.count = count
    }
  }

  package init(name: String, wide: Int, narrow: Int, packing: [Packing] = []) {
    self.name = name
    self.wide = wide
    self.narrow = narrow
    self.packing = packing
  }

  /// Blocks for one signed `a x b` product: the narrower way round of slices(a)·slices(b).
  ///
  /// A port of `w` signed bits takes an operand of `w` bits; each further slice adds `w - 1` bits (its sign bit is lost).
  package func blocks(_ a: Int, _ b: Int) -> Int {
    min(
      Self.slices(a, port: wide) * Self.slices(b, port: narrow),
      Self.slices(b, port: wide) * Self.slices(a, port: narrow))
  }

  private static func slices(_ bits: Int, port: Int) -> Int {
    guard bits > port, port > 1 else { return 1 }
    return 1 + (bits - port + port - 2) / (port - 1)
  }
}

/// When a tool puts a product into hard multipliers and when into look-up tables.
package struct MultiplierRule: Sendable, Hashable {
  /// Smallest operand width that may use a block, bits.
  package var leastOperand: Int
  /// Smallest sum of the operand widths (width of the product) that uses a block, bits.
  package var leastProduct: Int
  /// Smallest width of the constant (weight) operand that uses a block, bits.
  package var leastWeight: Int

  package init(leastOperand: Int, leastProduct: Int, leastWeight: Int) {
    self.leastOperand = leastOperand
    self.leastProduct = leastProduct
    self.leastWeight = leastWeight
  }

  /// Blocks one `data x weight` product takes; 0 when it goes to look-up tables.
  package func blocks(data: Int, weight: Int, on block: DSPBlock) -> Int {
    guard min(data, weight) >= leastOperand, data + weight >= leastProduct, weight >= leastWeight else { return 0 }
    return block.blocks(data, weight)
  }
}
