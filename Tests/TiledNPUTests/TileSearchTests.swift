import Testing

@testable import TiledNPU

struct TileSearchTests {
  static func demand(_ shape: LayerShape, lanes: (Int, Int) = (1, 1)) -> TileDemand {
    TileDemand(
      shape: shape, inputBits: 8, outputBits: 8, weightBytes: shape.weightElements, inputIsNear: false,
      outputIsNear: false, inputLanes: lanes.0, outputLanes: lanes.1)
  }

  static let layers: [LayerShape] = [
    LayerShape(input: (8, 8, 6), output: (8, 8, 10), kernel: (3, 3)),
    LayerShape(input: (9, 5, 7), output: (5, 3, 4), kernel: (3, 3), stride: (2, 2)),
    .matrixProduct(rows: 12, columns: 9, depth: 15),
    LayerShape(input: (6, 6, 8), output: (6, 6, 8), kernel: (3, 3), groups: 8),
  ]

  /// Every tiling of every size, not only those the search considers.
  @Test(arguments: layers.indices, [150, 400, 1000, 4000])
  func theSearchFindsTheOptimum(_ index: Int, _ capacity: Int) throws {
    let shape = Self.layers[index]
    let search = TileSearch(Self.demand(shape), buffers: TileBuffers(name: "buffer", shared: capacity))
    var least: Int?
    for rows in 1...shape.outputHeight {
      for filters in 1...shape.outputChannels {
        for channels in shape.groups > 1 ? shape.inputChannels...shape.inputChannels : 1...shape.inputChannels {
          for order in TilePlan.Order.allCases {
            let plan = search.plan(order, rows: rows, filters: filters, channels: channels)
            if search.fits(plan) { least = min(least ?? .max, plan.farBytes) }
          }
        }
      }
    }
    if let least {
      #expect(try search.best().farBytes == least)
    } else {
      #expect(throws: Infeasible.self) { try search.best() }
    }
  }

  @Test func moreBufferNeverMovesMore() throws {
    for shape in Self.layers {
      var before = Int.max
      for capacity in stride(from: 300, through: 6000, by: 50) {
        let search = TileSearch(Self.demand(shape), buffers: TileBuffers(name: "buffer", shared: capacity))
        guard let plan = try? search.best() else { continue }
        #expect(plan.farBytes <= before)
        #expect(plan.farBytes >= Self.demand(shape).compulsoryBytes - shape.inputElements)
        #expect(plan.heldBytes <= capacity)
        before = plan.farBytes
      }
    }
  }

  @Test func whatDoesNotFitSaysWhatIsMissing() {
    let shape = LayerShape(input: (64, 64, 256), output: (64, 64, 256), kernel: (3, 3))
    let search = TileSearch(Self.demand(shape, lanes: (32, 32)), buffers: TileBuffers(name: "sram", shared: 4096))
    #expect {
      try search.best()
    } throws: { error in
      guard let infeasible = error as? Infeasible else { return false }
      return infeasible.buffer == "sram" && infeasible.capacity == 4096 && infeasible.missing > 0
        && infeasible.description.contains("would")
    }
  }
}

extension TileDemand {
  /// Bytes that must move whatever the tiling.
  fileprivate var compulsoryBytes: Int {
    weightBytes + (inputIsNear ? 0 : (shape.touchedInputElements * inputBits + 7) / 8)
      + (outputIsNear ? 0 : (shape.outputElements * outputBits + 7) / 8)
  }
}
