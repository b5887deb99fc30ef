package import Basic
package import IR
internal import Foundation
internal import Ops

extension TensorFile {
  /// Writes a tensor by itself as a TensorProto.
  package static func write(_ tensor: Tensor, to path: String) throws(Failure) {
    let message = try GraphWriter(ExportSession(externalFrom: nil, weightFile: "")).tensor(
      Constant(tensor), name: "", isInline: true)
    guard FileManager.default.createFile(atPath: path, contents: nil), let handle = FileHandle(forWritingAtPath: path)
    else {
      throw Failure("cannot write '\(path)'")
    }
    do {
      try message.write(to: handle)
      try handle.close()
    } catch {
      throw Failure("cannot write '\(path)': \(error.localizedDescription)")
    }
  }
}
