/// An operator's attribute as the text format writes it.
enum AttributeValue: Hashable {
  case integer(Int)
  case float(Double)
  case bool(Bool)
  case string(String)
  case list([AttributeValue])
  case none

  var text: String {
    switch self {
    case .integer(let value): String(value)
    case .float(let value):
      // A float always shows that it is one; Swift prints the shortest text that reads back exactly.
      value.isNaN ? "nan" : value.isInfinite ? (value < 0 ? "-inf" : "inf") : "\(value)"
    case .bool(let value): value ? "true" : "false"
    case .string(let value): GraphText.quoted(value)
    case .list(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
    case .none: "none"
    }
  }
}
