internal import Basic
internal import Foundation

/// Typed access to a JSON object whose keys have several spellings.
struct ConfigKeys {
  let object: [String: Any]
  let file: String

  init(_ object: [String: Any], file: String) {
    self.object = object
    self.file = file
  }

  func optionalExtent(_ names: String...) throws(Failure) -> Int? { try find(names) }

  func extent(_ names: String...) throws(Failure) -> Int {
    guard let value = try find(names) else {
      throw Failure("the configuration lacks \(names.joined(separator: " or "))", at: SourceLocation(file: file))
    }
    return value
  }

  private func find(_ names: [String]) throws(Failure) -> Int? {
    for name in names {
      guard let value = object[name], !(value is NSNull) else { continue }
      guard let number = value as? Int, (1...TransformerConfig.largestExtent).contains(number) else {
        throw Failure("\(name) must be a number from 1 to \(TransformerConfig.largestExtent)", at: SourceLocation(file: file))
      }
      return number
    }
    return nil
  }

  func text(_ name: String) throws(Failure) -> String {
    guard let value = object[name] as? String else {
      throw Failure("the configuration lacks \(name)", at: SourceLocation(file: file))
    }
    return value
  }

  func isPresent(_ name: String) -> Bool { object[name].map { !($0 is NSNull) } ?? false }

  func optionalText(_ names: String...) throws(Failure) -> String? { try first(names, "a text") }
  func flag(_ names: String...) throws(Failure) -> Bool? { try first(names, "true or false") }
  func texts(_ name: String) throws(Failure) -> [String]? { try first([name], "a list of texts") }

  /// A bound; what stands for "none" in these files is null.
  func bound(_ name: String) throws(Failure) -> Double? {
    try first([name], "a number between 0 and a million") { $0 > 0 && $0 < 1e6 }
  }

  /// Numbers of layers, counted from 0.
  func layer(_ name: String) throws(Failure) -> Int? {
    try first([name], "a number of layers") { (0...TransformerConfig.mostLayers).contains($0) }
  }

  func layerList(_ name: String) throws(Failure) -> [Int]? { try first([name], "a list of layers") }

  /// An object inside; nil when it is not there.
  func section(_ name: String) throws(Failure) -> ConfigKeys? {
    try (first([name], "an object") as [String: Any]?).map { ConfigKeys($0, file: file) }
  }

  /// Weights that share a scale; −1 for all of a channel.
  func group(_ names: String...) throws(Failure) -> Int? {
    try first(names, "-1 or a number of weights") { $0 == -1 || (1...TransformerConfig.largestExtent).contains($0) }
  }

  /// One of the words that are known.
  func word(_ names: String..., in known: [String]) throws(Failure) -> String? {
    guard let name = names.first(where: isPresent), let word = try optionalText(name) else { return nil }
    guard !known.contains(word) else { return word }
    let near = nearestSpelling(to: word, in: known).map { "did you mean \($0)?" } ?? "one of \(known.joined(separator: ", "))"
    throw Failure("\(name) \"\(word)\" is not known", at: SourceLocation(file: file), fix: near)
  }

  /// The first of these keys that is there and not null; a value of another kind is an error.
  private func first<T>(_ names: [String], _ kind: String, where isMeant: (T) -> Bool = { _ in true }) throws(Failure) -> T? {
    for name in names where isPresent(name) {
      guard let value = object[name] as? T, isMeant(value) else {
        throw Failure("\(name) must be \(kind)", at: SourceLocation(file: file))
      }
      return value
    }
    return nil
  }
}
