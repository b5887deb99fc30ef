/// "Did you mean": the candidate nearest to a misspelt word, if one is near enough.
package func nearestSpelling(to word: String, in candidates: some Sequence<String>) -> String? {
  let limit = max(1, word.count / 3)
  var best: (distance: Int, word: String)?
  for candidate in candidates where abs(candidate.count - word.count) <= limit {
    let distance = editDistance(Array(word.lowercased().utf8), Array(candidate.lowercased().utf8))
    if distance <= limit, best.map({ (distance, candidate) < ($0.distance, $0.word) }) ?? true {
      best = (distance, candidate)
    }
  }
  return best?.word
}

/// What may be meant by a name: those that begin with it or hold it (`a100` of `vendor-a100-pcie`), else the nearest spelling.
package func likelyNames(for word: String, in candidates: [String], most: Int = 6) -> String? {
  let wanted = looseSpelling(word)
  for isMeant in [{ $0.hasPrefix(wanted) }, { $0.contains(wanted) }] as [(String) -> Bool] where wanted.count > 1 {
    let found = candidates.filter { isMeant(looseSpelling($0)) }
    guard !found.isEmpty, found.count < max(most * 4, candidates.count / 2) else { continue }
    return found.prefix(most).joined(separator: ", ") + (found.count > most ? " …" : "")
  }
  return nearestSpelling(to: word, in: candidates)
}

/// Levenshtein distance in one rolling row: time O(a·b), memory O(b).
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  var row = Array(0...b.count)
  for i in a.indices {
    var diagonal = row[0]
    row[0] = i + 1
    for j in b.indices {
      let substituted = diagonal + (a[i] == b[j] ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[b.count]
}

/// Letters and digits in lower case, and points between digits: `BERT_large` and `bert-large` are one name, `opt-1.3b` and
/// `opt-13b` are two.
package func looseSpelling(_ word: String) -> String {
  let bytes = Array(word.lowercased().utf8)
  func isDigit(_ index: Int) -> Bool { bytes.indices.contains(index) && (48...57).contains(bytes[index]) }
  let kept = bytes.indices.filter { index in
    (97...122).contains(bytes[index]) || isDigit(index) || (bytes[index] == 46 && isDigit(index - 1) && isDigit(index + 1))
  }
  return String(decoding: kept.map { bytes[$0] }, as: UTF8.self)
}
