internal import Basic
internal import Foundation

/// A report as JSON with sorted keys.
func prettyJSON(_ value: some Encodable) throws(Failure) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
  guard let data = try? encoder.encode(value) else { throw Failure("the report cannot be written as JSON") }
  return String(decoding: data, as: UTF8.self) + "\n"
}
