package import Basic
package import Results
#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// The result as data: sorted snake_case keys, the same bytes for the same result.
package enum JSONReport: Report {
  package static let name = "json"
  package static let summary = "the whole result as JSON, schema \(RunResult.currentSchema)"
  package static let fileExtensions = ["json"]

  /// Bytes a saved result may have.
  package static let sizeLimit = 1 << 30

  package static func render(
    _ result: RunResult, as fileExtension: String, _ options: ReportOptions
  ) throws(Failure) -> RenderedReport {
    RenderedReport(bytes: try encode(result), companion: nil)
  }

  /// Writes a result as JSON; fails only when a number in it is not finite.
  package static func encode(_ result: RunResult) throws(Failure) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    do {
      return Array(try encoder.encode(result)) + [UInt8(ascii: "\n")]
    } catch let EncodingError.invalidValue(value, context) {
      throw Failure("the result cannot be written as JSON: \(path(context.codingPath)) is \(value)")
    } catch {
      throw Failure("the result cannot be written as JSON: \(error)")
    }
  }

  /// Reads a saved result; whatever is wrong with the file is named with the path of the value.
  package static func decode(_ bytes: [UInt8], file: String) throws(Failure) -> RunResult {
    let place = SourceLocation(file: file)
    guard bytes.count <= sizeLimit else {
      throw Failure("\(bytes.count) bytes; a result may have \(sizeLimit)", at: place)
    }
    let result: RunResult
    do {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      // The version is looked at first: a newer schema should not be reported as a missing key.
      let header = try decoder.decode(Header.self, from: Data(bytes))
      guard header.schema == RunResult.currentSchema else {
        throw Failure("the schema is '\(header.schema)', this version reads '\(RunResult.currentSchema)'", at: place)
      }
      result = try decoder.decode(RunResult.self, from: Data(bytes))
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure("not a saved result: \(message(of: error))", at: place)
    }
    let problems = ResultLimits.check(result, file: file)
    guard problems.isEmpty else { throw Failure(problems) }
    return result
  }

  private struct Header: Decodable { var schema: String }

  /// What is wrong with a file, in words and with the path of the value.
  static func message(of error: any Error) -> String { (error as? DecodingError).map(describe) ?? "\(error)" }

  private static func describe(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context): "\(path(context.codingPath)) lacks the key '\(snakeCase(key.stringValue))'"
    case .typeMismatch(let type, let context): "\(path(context.codingPath)) should be \(plain(type))"
    case .valueNotFound(let type, let context): "\(path(context.codingPath)) is null and should be \(plain(type))"
    case .dataCorrupted(let context):
      context.codingPath.isEmpty ? "it is not valid JSON" : "\(path(context.codingPath)): \(context.debugDescription)"
    @unknown default: "it cannot be read"
    }
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    guard !keys.isEmpty else { return "the top level" }
    var text = ""
    for key in keys {
      if let index = key.intValue {
        text += "[\(index)]"
      } else {
        text += (text.isEmpty ? "" : ".") + snakeCase(key.stringValue)
      }
    }
    return text
  }

  private static func snakeCase(_ name: String) -> String {
    name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
  }

  private static func plain(_ type: any Any.Type) -> String {
    switch "\(type)" {
    case "String": "text"
    case "Int": "a whole number"
    case "Double": "a number"
    case "Bool": "true or false"
    case let name where name.hasPrefix("Array"): "a list"
    default: "an object"
    }
  }
}
