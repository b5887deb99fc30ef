internal import Dispatch
internal import Foundation
internal import Frontend
internal import Ops
internal import Synchronization
package import Basic
package import IR

/// A model read from a file, with its dimensions bound.
package struct LoadedModel: Sendable {
  package var graph: Graph
  package var name: String
  /// As the user gave it, for messages.
  private let path: String
  package var dimensions: [String: Int]
  /// Symbols of leading axes that nobody bound, and the batch they were taken for.
  package private(set) var assumedBatch: (symbols: [String], batch: Int)?

  /// Reads a model and binds `--dim` and `--batch`; with `assumesBatch` an open leading axis is a batch of one.
  package init(_ request: ModelRequest, assumesBatch: Bool = false) throws(Failure) {
    let path = Self.resolve(request.path)
    if let failure = Self.unknownName(path) { throw failure }
    name = Self.stem(of: path)
    let options = ONNXImporter.Options(allowsOpaque: request.allowsOpaque)
    var dimensions = request.dimensions
    if let batch = request.batch, batch < 1 { throw Failure("--batch \(batch): a batch is at least 1") }
    graph = try ModelLoader.load(path: path, dimensions: dimensions, options: options)
    if request.batch == nil, assumesBatch {
      let open = Self.batchSymbols(of: graph)
      if !open.isEmpty { assumedBatch = (open, Self.boundBatch(of: graph, request.dimensions) ?? 1) }
    }
    if let batch = request.batch ?? assumedBatch?.batch {
      for (key, value) in Self.batchDimensions(of: graph, batch: batch) where dimensions[key] == nil { dimensions[key] = value }
      if dimensions != request.dimensions {
        let fixed = Self.leadingExtent(of: graph)
        do throws(Failure) { graph = try ModelLoader.load(path: path, dimensions: dimensions, options: options) } catch {
          throw Self.explained(error, batch: batch, fixed: fixed)
        }
      }
    }
    self.dimensions = dimensions
    self.path = request.path
    if let input = graph.inputs.first, graph[input].type.tensor?.shape.first?.constant == 0 {
      throw Failure(
        "axis 0 of input '\(graph[input].name)' is 0: nothing would run", at: SourceLocation(file: path), fix: "give it at least 1")
    }
    try checkElements(dimensions)
  }

  private static func leadingExtent(of graph: Graph) -> Int? {
    graph.inputs.first.flatMap { graph[$0].type.tensor?.shape.first?.constant }
  }

  /// What to do about a network that was exported for one batch, whose shapes inside do not follow another.
  private static func explained(_ failure: Failure, batch: Int, fixed: Int?) -> Failure {
    guard let fixed, fixed != batch, var first = failure.diagnostics.first, first.fix == nil else { return failure }
    first.fix = "the file was made for a batch of \(fixed): leave --batch out, or export it with an open batch"
    return Failure([first] + failure.diagnostics.dropFirst())
  }

  /// `folder/net.v2.onnx` as `net.v2`.
  private static func stem(of path: String) -> String {
    let file = path.split(separator: "/").last ?? ""
    guard let point = file.lastIndex(of: "."), point != file.startIndex else { return String(file) }
    return String(file[..<point])
  }

  /// The path as given, or the file of a graph shipped with the program: its name in any spelling, or `publisher/name` as an alias
  /// has it.
  package static func resolve(_ path: String) -> String {
    guard !FileManager.default.fileExists(atPath: path), let folder = shippedFolder else { return path }
    let files = shippedFiles
    func alias(_ isMeant: (String) -> Bool) -> String? {
      files.first { $0.hasSuffix(".json") && aliases("\(folder)/\($0)").contains(where: isMeant) }
    }
    let found: String?
    if path.contains("/") {
      found = path.contains(".json") ? nil : alias { $0.lowercased() == path.lowercased() }
    } else {
      let wanted = looseSpelling(path)
      found = files.first { looseSpelling(withoutExtension($0)) == wanted } ?? alias { looseSpelling($0) == wanted }
    }
    return found.map { "\(folder)/\($0)" } ?? path
  }

  /// What to do about a word that is neither a file nor a shipped graph; nil for paths of files.
  private static func unknownName(_ path: String) -> Failure? {
    guard !FileManager.default.fileExists(atPath: path), !path.contains("/"), let folder = shippedFolder else { return nil }
    let near = nearestSpelling(to: path, in: shippedFiles.map(withoutExtension))
    guard near != nil || URL(fileURLWithPath: path).pathExtension.isEmpty else { return nil }
    let fix = near.map { "did you mean \($0)?" } ?? "shipped graphs are in \(folder)"
    return Failure("there is no file '\(path)' and no shipped graph of that name", fix: fix)
  }

  private static var shippedFolder: String? { InstallationFolders.home().map { "\($0)/graphs" } }

  /// Graphs and configurations that come with the program, sorted.
  private static var shippedFiles: [String] {
    guard let folder = shippedFolder else { return [] }
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return files.filter { $0.hasSuffix(".cwg") || $0.hasSuffix(".json") }.sorted()
  }

  private static func withoutExtension(_ file: String) -> String {
    URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
  }

  /// Further names of a shipped model configuration.
  private static func aliases(_ path: String) -> [String] {
    struct Names: Decodable { var aliases: [String]? }
    guard let bytes = try? FileOutput.readBytes(path, limit: 1 << 16) else { return [] }
    return (try? JSONDecoder().decode(Names.self, from: Data(bytes)))?.aliases ?? []
  }

  /// The batch axis is the first axis of the first input; a symbol there is bound, a number is replaced on every input
  /// that starts with the same number.
  private static func batchDimensions(of graph: Graph, batch: Int) -> [String: Int] {
    var result: [String: Int] = [:]
    for symbol in batchSymbols(of: graph) { result[symbol] = batch }
    let inputs = graph.inputs.map { (name: graph[$0].name, shape: graph[$0].type.tensor?.shape ?? []) }
    guard let leading = inputs.first(where: { !$0.shape.isEmpty })?.shape.first, leading.constant != nil else { return result }
    for input in inputs where input.shape.first == leading { result["\(input.name).0"] = batch }
    return result
  }

  /// Symbols that alone are the batch: the leading one of the first input with axes, and those of further inputs that only have a
  /// number for a name. Torch's dynamo names the batch of every input anew: `input_ids[s10, s12]`, `attention_mask[s86, s12]`.
  private static func batchSymbols(of graph: Graph) -> [String] {
    let shapes = graph.inputs.compactMap { graph[$0].type.tensor?.shape }.filter { !$0.isEmpty }
    let tails = tails(of: shapes)
    var result: [String] = []
    for (index, shape) in shapes.enumerated() {
      guard case .symbolic(let expression)? = shape.first, expression.symbols.count == 1, let symbol = expression.symbols.first,
        index == 0 || (shape.count > 1 && isNumbered(symbol) && !tails.contains(symbol)), !result.contains(symbol)
      else { continue }
      result.append(symbol)
    }
    return result
  }

  /// Symbols that stand somewhere behind a leading axis.
  private static func tails(of shapes: [[IR.Dimension]]) -> Set<String> {
    shapes.reduce(into: []) { result, shape in for extent in shape.dropFirst() { result.formUnion(symbols(in: extent)) } }
  }

  private static func symbols(in extent: IR.Dimension) -> Set<String> {
    if case .symbolic(let expression) = extent { expression.symbols } else { [] }
  }

  /// `s86`: a name that says nothing.
  private static func isNumbered(_ symbol: String) -> Bool {
    symbol.count > 1 && symbol.first == "s" && symbol.dropFirst().allSatisfy(\.isNumber)
  }

  /// The batch that an input has whose leading axis was bound by name, while others stay open.
  private static func boundBatch(of graph: Graph, _ dimensions: [String: Int]) -> Int? {
    graph.inputs.lazy.compactMap { graph[$0].type.tensor?.shape }.filter { $0.count > 1 }.compactMap { $0.first?.constant }
      .first(where: Set(dimensions.filter { isNumbered($0.key) }.values).contains)
  }

  /// Dimensions of the inputs that are still symbols, sorted.
  package var openDimensions: [String] {
    graph.inputs.reduce(into: Set<String>()) { $0.formUnion(graph[$1].type.symbols) }.sorted()
  }

  /// A symbol whose name says nothing with the place where an input has it: `s12 (axis 1 of input_ids)`.
  private func described(_ symbol: String) -> String {
    guard Self.isNumbered(symbol) else { return symbol }
    for input in graph.inputs {
      guard let axis = graph[input].type.tensor?.shape.firstIndex(where: { Self.symbols(in: $0).contains(symbol) }) else { continue }
      return "\(symbol) (axis \(axis) of \(graph[input].name))"
    }
    return symbol
  }

  /// Every dimension that is still a symbol, which a prediction cannot have.
  package func checkBound() throws(Failure) {
    let symbols = openDimensions
    guard symbols.isEmpty else {
      let flags = symbols.map { "--dim '\($0)=…'" }.joined(separator: " ")
      throw Failure(
        "dimensions are not bound: \(symbols.map(described).joined(separator: ", "))", at: SourceLocation(file: path), fix: "add \(flags)")
    }
  }
}

/// SHA-256 of a file, computed beside other work; of a small one at once, because a thread takes longer to start.
package final class FileDigest: Sendable {
  private let group = DispatchGroup()
  private let box = DigestBox()

  /// Bytes that hash in less time than a thread needs to start.
  private static let smallFile = 1 << 20

  package init(path: String) {
    let (group, box) = (self.group, self.box)
    var status = stat()
    if stat(path, &status) == 0, Int(status.st_size) <= Self.smallFile {
      box.compute(path)
      return
    }
    DispatchQueue.global(qos: .userInitiated).async(group: group) { box.compute(path) }
  }

  /// A run that fails must not leave a thread reading while the process ends.
  deinit {
    box.cancel()
    group.wait()
  }

  /// Waits for the digest; empty when the file could not be read.
  package func value() -> String {
    group.wait()
    return box.text
  }
}

private final class DigestBox: @unchecked Sendable {
  /// Written once before `wait` returns.
  private(set) var text = ""
  private let isCancelled = Atomic(false)

  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  func compute(_ path: String) {
    guard let handle = FileHandle(forReadingAtPath: path) else { return }
    defer { try? handle.close() }
    let size = Int((try? handle.seekToEnd()) ?? 0)
    try? handle.seek(toOffset: 0)
    var hash = SHA256()
    var buffer = [UInt8](repeating: 0, count: max(1 << 12, min(size, 1 << 16)))
    let descriptor = handle.fileDescriptor
    while !isCancelled.load(ordering: .relaxed) {
      let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { break }
      buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0.prefix(count))) }
    }
    text = hash.hexadecimal()
  }
}
