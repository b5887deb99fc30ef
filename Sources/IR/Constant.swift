/// A constant tensor: its type and its bytes, which may lie in the model file.
package struct Constant: Hashable, Sendable {
  package enum Payload: Hashable, Sendable {
    /// Packed little-endian elements.
    case bytes(TensorData)
    case strings([String])
    /// Values unknown (a shipped graph without weights); evaluation makes seeded ones.
    case absent
  }

  package var type: TensorType
  package var payload: Payload

  package init(_ type: TensorType, _ payload: Payload) {
    self.type = type
    self.payload = payload
  }

  /// A small integer vector made by the compiler itself.
  package init(integers: [Int64]) {
    self.init(TensorType(.int64, [integers.count]), .bytes(TensorData(.inline(integers.withUnsafeBytes(Array.init)))))
  }
}
