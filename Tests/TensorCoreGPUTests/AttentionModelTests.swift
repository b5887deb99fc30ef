import Hardware
import Testing

@testable import TensorCoreGPU

struct AttentionModelTests {
  private func models() throws -> [AttentionModel] {
    try ["nvidia-a100-sxm4-80gb", "nvidia-h100-sxm5-80gb"].flatMap { name in
      let gpu = try Targets.gpu(name)
      let software = try #require(gpu.streaming)
      return gpu.attention.map { AttentionModel(gpu, software, $0) }
    }
  }

  private func shape(
    _ queries: Int, keys: Int? = nil, batch: Int = 4, heads: Int = 32, keyHeads: Int = 8, causal: Bool = true,
    window: Int? = nil, bits: Int = 16
  ) -> AttentionShape {
    AttentionShape(
      batch: batch, heads: heads, keyHeads: keyHeads, queries: queries, keys: keys ?? queries, headDimension: 128,
      isCausal: causal, window: window, keyBits: bits)
  }

  /// In a program; as operations of a serving library prompts are rotated and cached, encoders are not.
  @Test func aCausalMaskIsNeverSlowerThanNone() throws {
    for model in try models() {
      for length in [64, 1000, 4096, 16_384] {
        let causal = try #require(model.estimate(shape(length), start: 2e-6))
        let full = try #require(model.estimate(shape(length, causal: false), start: 2e-6))
        #expect(causal.seconds <= full.seconds * 1.03, "\(model.library.name) \(length)")
        #expect(causal.floorSeconds <= causal.seconds)
        #expect(full.floorSeconds <= full.seconds)
      }
      let long = try #require(model.estimate(shape(16_384), start: 2e-6))
      let full = try #require(model.estimate(shape(16_384, causal: false), start: 2e-6))
      #expect(full.seconds / long.seconds > 1.6)
    }
  }

  /// Hopper's warpgroups multiply and exponentiate in turn, Blackwell's beside each other: all of the shorter part hides at
  /// most, and each share of it less takes its share more.
  @Test func softmaxRunsBesideTheProductsOfBlackwell() throws {
    let gpu = try Targets.gpu("nvidia-b200")
    let software = try #require(gpu.streaming)
    var library = try #require(gpu.attention.first)
    #expect(library.prefill.softmaxOverlap > 0.5)
    func seconds(overlap: Double) throws -> Double {
      library.prefill.softmaxOverlap = overlap
      return try #require(AttentionModel(gpu, software, library).estimate(shape(256, causal: false))).seconds
    }
    let (apart, half, together) = (try seconds(overlap: 0), try seconds(overlap: 0.5), try seconds(overlap: 1))
    #expect(together < half && half < apart)
    // Not exactly in the middle: board power holds the clock of the fastest a little.
    #expect(abs((apart + together) / 2 / half - 1) < 1e-2)
  }

  /// In a program the cache was read one token ago, by a run of the whole model.
  @Test func aColdCacheComesFromMemory() throws {
    for model in try models() {
      let decode = shape(1, keys: 512)
      let found = try #require(model.estimate(decode))
      let cold = try #require(model.estimate(decode, found: 0))
      #expect(found.memoryBytes == 0 && cold.memoryBytes == decode.keyValueBytes)
      #expect(cold.seconds >= found.seconds)
      let half = try #require(model.estimate(decode, found: 0.5))
      #expect(half.memoryBytes == decode.keyValueBytes / 2)
    }
  }

  @Test func latentVectorsAreReadOnceForAllHeads() throws {
    let gpu = try Targets.gpu("nvidia-h100-sxm5-80gb")
    let model = AttentionModel(gpu, try #require(gpu.streaming), try #require(gpu.attention.first))
    // 128 query heads on one latent vector of 512 + 64 features per token, as DeepSeek stores it.
    func decode(_ batch: Int) -> AttentionShape {
      AttentionShape(
        batch: batch, heads: 128, keyHeads: 1, queries: 1, keys: 8192, headDimension: 576, valueDimension: 512, isCausal: true)
    }
    #expect(decode(1).keyValueBytes == 8192 * 576 * 2)
    let estimate = try #require(model.estimate(decode(64)))
    #expect(estimate.choice.contains("latent"))
    #expect(estimate.floorSeconds <= estimate.seconds)
    // 128 heads of their own keys and values would read 57 times as much.
    let expanded = AttentionShape(
      batch: 64, heads: 128, keyHeads: 128, queries: 1, keys: 8192, headDimension: 192, valueDimension: 128, isCausal: true)
    #expect(try #require(model.estimate(expanded)).seconds > 5 * estimate.seconds)
  }

  /// One tanh per score more, which costs twice as much before Turing; a cache is awaited long enough to hide it.
  @Test func aCapCostsATanhPerScore() throws {
    for model in try models() {
      for (plain, range) in [(shape(4096), 1.1...2), (shape(1, keys: 4096, batch: 256), 1...1.05)] {
        var capped = plain
        capped.isCapped = true
        let (without, with) = (try #require(model.estimate(plain)), try #require(model.estimate(capped)))
        #expect(range.contains(with.seconds / without.seconds), "\(model.library.name) \(plain.queries)")
      }
    }
    let (volta, turing) = (try Targets.gpu("nvidia-v100-sxm2-16gb"), try Targets.gpu("nvidia-t4"))
    #expect(volta.sm.tanhOperations == 2 && turing.sm.tanhOperations == 1)
  }

  @Test func aNarrowWindowIsFasterThanAllKeys() throws {
    for model in try models() {
      let all = try #require(model.estimate(shape(16_384)))
      let window = try #require(model.estimate(shape(16_384, window: 512)))
      #expect(window.seconds < all.seconds / 2)
    }
  }

  /// A kernel that cuts the whole cache starts pieces in which a window hides every key: less than a whole start each, not nothing.
  @Test func piecesThatSeeNoKeyStillStart() throws {
    let gpu = try Targets.gpu("nvidia-h100-sxm5-80gb")
    var library = try #require(gpu.attention.first)
    let kernel = try #require(library.decode.firstIndex { $0.hiddenStart != nil })
    let software = try #require(gpu.streaming)
    func seconds(_ hiddenStart: Double, window: Int?) throws -> Double {
      library.decode[kernel].hiddenStart = hiddenStart
      // 66 pieces of 128 keys.
      let shape = shape(1, keys: 66 * 128, batch: 8, heads: 4, keyHeads: 2, window: window)
      return try #require(AttentionModel(gpu, software, library).estimate(shape, isDecode: true)).seconds
    }
    #expect(try seconds(0, window: 128) < seconds(0.5, window: 128))
    #expect(try seconds(0.5, window: 128) < seconds(1, window: 128))
    // Without a window no piece is in front of one.
    #expect(try seconds(0, window: nil) == seconds(1, window: nil))
    #expect(try seconds(1, window: 128) < seconds(1, window: nil))
  }

  /// Around the kernel of a serving library keys cost less than queries of the same size, and encoders less than prompts.
  @Test func rearrangingFollowsTheQueries() throws {
    let gpu = try Targets.gpu("nvidia-h100-sxm5-80gb")
    let library = try #require(gpu.attention.first)
    let model = PrefillModel(device: DeviceRates(gpu, try #require(gpu.streaming)), kernels: library.prefill, memoryEfficiency: 1)
    let (many, few) = (try #require(model.parts(shape(64, keyHeads: 32))), try #require(model.parts(shape(64, keyHeads: 1))))
    // 32 heads of queries with 64 or 2 of keys and values: three times the bytes, less than twice the time.
    #expect(many.rearrange > few.rearrange && many.rearrange < 2 * few.rearrange)
    let encoder = try #require(model.parts(shape(64, keyHeads: 32, causal: false)))
    #expect(encoder.rearrange < many.rearrange)
  }

  @Test func keysAreReadOncePerKeyHead() throws {
    for model in try models() {
      // The same query heads with a quarter of the key heads move a quarter of the cache.
      let many = try #require(model.estimate(shape(1, keys: 32_768, batch: 32, keyHeads: 16)))
      let few = try #require(model.estimate(shape(1, keys: 32_768, batch: 32, keyHeads: 4)))
      #expect(abs(many.memoryBytes / few.memoryBytes - 4) < 1e-9)
      #expect(few.seconds < many.seconds / 2)
    }
  }

  @Test func longerCachesAreNeverFaster() throws {
    for model in try models() {
      var last = 0.0
      for keys in [1024, 8192, 65_536, 262_144] {
        let estimate = try #require(model.estimate(shape(1, keys: keys)))
        #expect(estimate.seconds >= last)
        #expect(estimate.floorSeconds <= estimate.seconds)
        last = estimate.seconds
      }
    }
  }

  @Test func anEightBitCacheMovesHalfTheBytes() throws {
    for model in try models() {
      let wide = try #require(model.estimate(shape(1, keys: 65_536)))
      let narrow = try #require(model.estimate(shape(1, keys: 65_536, bits: 8)))
      #expect(abs(wide.memoryBytes / narrow.memoryBytes - 2) < 1e-9)
    }
  }

  @Test func blocksOfKeysAreCountedByTheirMasks() {
    let causal = shape(512, causal: true)
    // The second tile of 128 queries in steps of 128 keys: one block before the diagonal, one on it.
    let second = KeyBlocks(causal, first: 128, rows: 128, step: 128)
    #expect((second.all, second.diagonal, second.edge) == (2, 1, 0))
    let windowed = KeyBlocks(shape(512, window: 128), first: 256, rows: 128, step: 128)
    #expect((windowed.all, windowed.diagonal, windowed.edge) == (2, 1, 1))
    let full = KeyBlocks(shape(100, keys: 300, causal: false), first: 0, rows: 128, step: 128)
    #expect((full.all, full.diagonal, full.edge) == (3, 1, 0))
  }
}
