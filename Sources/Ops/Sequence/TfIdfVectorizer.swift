package import IR

/// How often each n-gram of a pool occurs in a row of texts or integers: [c] → [n] or [b, c] → [b, n].
package struct TfIdfVectorizer: ONNXOperator {
  package static let name = "tf-idf-vectorizer"

  package enum Mode: String, Codable, Sendable, Hashable, CaseIterable {
    /// Counts.
    case termFrequency = "TF"
    /// The weight of each n-gram that occurs.
    case inverseDocumentFrequency = "IDF"
    /// Counts times weights.
    case product = "TFIDF"
  }

  package var mode: Mode
  package var minimumLength: Int
  package var maximumLength: Int
  /// Items left out between the items of an n-gram at most.
  package var maximumSkip: Int
  /// Start of the n-grams of length 1, 2, … in the pool.
  package var poolStarts: [Int]
  /// The n-grams of all lengths behind each other, integers as texts.
  package var pool: [String]
  package var hasIntegers: Bool
  /// Place of every n-gram in the result.
  package var places: [Int]
  /// Weight of every n-gram; empty: 1.
  package var weights: [Float]

  package init(
    mode: Mode, lengths: ClosedRange<Int>, maximumSkip: Int, poolStarts: [Int], pool: [String], hasIntegers: Bool,
    places: [Int], weights: [Float]
  ) {
    self.mode = mode
    minimumLength = lengths.lowerBound
    maximumLength = lengths.upperBound
    self.maximumSkip = maximumSkip
    self.poolStarts = poolStarts
    self.pool = pool
    self.hasIntegers = hasIntegers
    self.places = places
    self.weights = weights
  }

  private var width: Int { (places.max() ?? -1) + 1 }

  package func inferTypes(_ context: InferenceContext) throws(OperatorError) -> [ValueType] {
    let x = try context.tensor(0)
    guard x.rank <= 2 else { throw OperatorError("ranks-match", "\(x.shape.text) is not a row or a batch of rows") }
    return [.tensor(TensorType(.float32, (x.rank == 2 ? [x.shape[0]] : []) + [.constant(width)]))]
  }

  package func computation(_ operands: OperandTypes) throws(OperatorError) -> Computation {
    let x = try operands.input(0)
    return .reduction(
      Reduction(
        kind: .scan, rows: 1, columns: x.count, inputs: [x], outputs: try operands.allOutputs(),
        costPerElement: ArithmeticCost(simple: maximumLength * (maximumSkip + 1))))
  }

  package func evaluate(_ inputs: [Datum?], _ context: EvaluationContext) throws(OperatorError) -> [Datum] {
    let x = try inputs.tensor(0)
    let shape = try shapes(inputs)[0]
    let texts: [String] = if case .string(let texts) = x.elements { texts } else { try x.integers().map { "\($0)" } }
    let columns = x.rank == 2 ? x.shape[1] : x.count
    let grams = Grams(self)
    var result: [Float] = []
    for row in 0..<(x.rank == 2 ? x.shape[0] : 1) {
      let counts = count(Array(texts[row * columns..<(row + 1) * columns]), grams)
      for (index, count) in counts.enumerated() {
        let weight = index < weights.count ? weights[index] : 1
        switch mode {
        case .termFrequency: result.append(Float(count))
        case .inverseDocumentFrequency: result.append(count > 0 ? weight : 0)
        case .product: result.append(Float(count) * weight)
        }
      }
    }
    return [.tensor(Tensor(shape, floats: result))]
  }

  private func count(_ row: [String], _ grams: Grams) -> [Int] {
    var counts = [Int](repeating: 0, count: width)
    var shortest = minimumLength
    for step in 1...max(maximumSkip + 1, 1) {
      for start in row.indices where start + step * (shortest - 1) < row.count {
        var gram: [String] = []
        var item = start
        while gram.count < maximumLength, item < row.count {
          gram.append(row[item])
          guard grams.prefixes.contains(gram) else { break }
          if gram.count >= shortest, let number = grams.numbers[gram], number < places.count {
            counts[places[number]] += 1
          }
          item += step
        }
      }
      // Single items are counted once, whatever the skip.
      if shortest == 1 { shortest = 2 }
      if shortest > maximumLength { break }
    }
    return counts
  }

  package static var onnxNames: [ONNXName] { ["TfIdfVectorizer"] }

  package static func importONNX(_ node: inout ONNXNode) throws(OperatorError) -> TfIdfVectorizer {
    let name = try node.string("mode") ?? "TF"
    let (shortest, longest) = (try node.integer("min_gram_length") ?? 1, try node.integer("max_gram_length") ?? 1)
    let places = try node.integers("ngram_indexes") ?? []
    guard let mode = Mode(rawValue: name), shortest >= 1, longest >= shortest, longest < 1 << 16,
      places.allSatisfy({ $0 >= 0 && $0 < 1 << 28 })
    else {
      throw OperatorError("vectorizer-attributes", "mode, n-gram lengths or indices make no sense")
    }
    let integers = try node.integers("pool_int64s") ?? []
    let texts = try node.strings("pool_strings") ?? []
    let skip = try node.integer("max_skip_count") ?? 0
    guard (0..<1 << 20).contains(skip) else {
      throw OperatorError("vectorizer-attributes", "the skip \(skip) makes no sense")
    }
    return TfIdfVectorizer(
      mode: mode, lengths: shortest...longest, maximumSkip: skip,
      poolStarts: try node.integers("ngram_counts") ?? [0], pool: integers.isEmpty ? texts : integers.map { "\($0)" },
      hasIntegers: !integers.isEmpty, places: places, weights: try node.floats("weights") ?? [])
  }

  package func exportONNX() -> ONNXSpelling {
    var attributes: [(name: String, value: ONNXAttribute)] = [
      ("mode", .string(mode.rawValue)), ("min_gram_length", .integer(minimumLength)),
      ("max_gram_length", .integer(maximumLength)), ("max_skip_count", .integer(maximumSkip)),
      ("ngram_counts", .integers(poolStarts)), ("ngram_indexes", .integers(places)),
      hasIntegers ? ("pool_int64s", .integers(pool.compactMap(Int.init))) : ("pool_strings", .strings(pool)),
    ]
    if !weights.isEmpty { attributes.append(("weights", .floats(weights))) }
    return ONNXSpelling("TfIdfVectorizer", attributes)
  }
}

/// The n-grams of a pool by content.
private struct Grams {
  /// Number of each n-gram, in order of the pool.
  var numbers: [[String]: Int] = [:]
  /// Every n-gram and every beginning of one.
  var prefixes: Set<[String]> = []

  init(_ vectorizer: TfIdfVectorizer) {
    var number = 0
    for (index, start) in vectorizer.poolStarts.enumerated() {
      let end = index + 1 < vectorizer.poolStarts.count ? vectorizer.poolStarts[index + 1] : vectorizer.pool.count
      guard start >= 0, end <= vectorizer.pool.count, start < end else { continue }
      let length = index + 1
      for first in stride(from: start, through: end - length, by: length) {
        if length >= vectorizer.minimumLength, length <= vectorizer.maximumLength {
          let gram = Array(vectorizer.pool[first..<first + length])
          numbers[gram] = number
          for count in 1...length { prefixes.insert(Array(gram[..<count])) }
        }
        number += 1
      }
    }
  }
}
