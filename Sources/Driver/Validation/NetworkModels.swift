internal import Basic
internal import Foundation

/// Finds the model file that a table of measurements names.
///
/// A name is looked up in the folders given, then among the graphs shipped with the program: first as a file name, then by
/// words. Every word of the file's name must be in the table's, and of the table's words only those may be left that say how a
/// model was published (`int8`, `224`, `bs2`) and not which it is; the file with most words wins.
struct NetworkModels: Sendable {
  private let files: [(path: String, stem: String, words: [String])]

  /// Extensions of model files, the preferred first: a deployed network says more than a graph without weights.
  private static let extensions = ["tflite", "onnx", "cwg"]

  init(folders: [String]) {
    let manager = FileManager.default
    let shipped = InstallationFolders.home().map { ["\($0)/graphs"] } ?? []
    files = (folders + shipped).flatMap { folder in
      let names = ((try? manager.contentsOfDirectory(atPath: folder)) ?? []).sorted()
      return Self.extensions.flatMap { suffix in
        names.filter { $0.hasSuffix(".\(suffix)") }.map { name in
          let stem = String(name.dropLast(suffix.count + 1))
          return ("\(folder)/\(name)", stem, Self.words(stem))
        }
      }
    }
  }

  /// The files for a network as a table spells it, the best first; `machine` is the name of the target, whose words may be in a
  /// file's name.
  func paths(for network: String, machine: String) -> [String] {
    let exact = files.filter { $0.stem == network }.map(\.path)
    guard exact.isEmpty else { return exact }
    let wanted = Self.words(network)
    let known = Set(wanted).union(Self.words(machine))
    var found: [(path: String, count: Int)] = []
    for file in files {
      let words = file.words.filter { !Self.isPublication($0) }
      guard !words.isEmpty, words.allSatisfy(known.contains) else { continue }
      let left = wanted.filter { !words.contains($0) && !Self.isPublication($0) }
      let count = words.count { wanted.contains($0) }
      guard left.isEmpty, count > 0 else { continue }
      found.append((file.path, count))
    }
    let most = found.map(\.count).max()
    return found.filter { $0.count == most }.map(\.path)
  }

  /// Lower-case words; a letter run and the number behind it are two, so that `resnet50` and `resnet-50` are equal.
  static func words(_ text: String) -> [String] {
    var result: [String] = []
    for part in text.lowercased().split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "." }) {
      var word = ""
      for character in part {
        // `v1` and `bs2` stay whole: a version or a batch is nothing without its letter.
        if let last = word.last, last.isLetter, character.isNumber, word.count > 3 {
          let isVersion = last == "v"
          result.append(isVersion ? String(word.dropLast()) : word)
          word = isVersion ? "v" : ""
        }
        word.append(character)
      }
      if !word.isEmpty { result.append(word) }
    }
    return result
  }

  /// The batch a name ends in (`resnet50_224_bs2`).
  static func batch(_ text: String) -> Int? {
    words(text).lazy.compactMap { $0.hasPrefix("bs") ? Int($0.dropFirst(2)) : nil }.first { $0 > 0 && $0 <= 1 << 16 }
  }

  /// Words that say how a network was published, at which size or in which format.
  private static func isPublication(_ word: String) -> Bool {
    if let side = Int(word), side >= 32 { return ["96", "128", "160", "192", "224", "256", "299", "300", "320"].contains(word) }
    if word.hasPrefix("bs"), Int(word.dropFirst(2)) != nil { return true }
    return ["int8", "i8", "int", "8", "quant", "quantized", "1.0", "ref", "model", "light", "mlperf", "tiny", "fp", "float"].contains(word)
  }
}
