package import Basic
package import IR
internal import Ops

extension TensorFile {
  /// Writes a tensor by itself as a TensorProto.
  package static func write(_ tensor: Tensor, to path: String) throws(Failure) {
    let message = try GraphWriter(ExportSession(externalFrom: nil, weightFile: "")).tensor(
      Constant(tensor), name: "", isInline: true)
    try OutputFile(path).write(message.write)
  }
}
