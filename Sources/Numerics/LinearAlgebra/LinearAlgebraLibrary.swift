internal import CBLAS
import Foundation

/// OpenBLAS, opened when a routine is first called.
///
/// Commands that only predict never need it: loading it, with the threads it starts, would take a third of a short run.
enum LinearAlgebraLibrary {
  /// The routine called `name`, if there is one.
  static func find<Function>(_ name: String, as type: Function.Type) -> Function? {
    handle.flatMap { dlsym($0, name) }.map { unsafeBitCast($0, to: type) }
  }

  /// The routine called `name`; ends the process with a message when the library or the routine is missing.
  static func routine<Function>(_ name: String, as type: Function.Type) -> Function {
    guard let found = find(name, as: type) else {
      let reason = handle == nil ? "OpenBLAS cannot be opened (\(fileNames.joined(separator: ", ")))" : "OpenBLAS has no \(name)"
      try? FileHandle.standardError.write(
        contentsOf: Data("error: \(reason); install it, for example with apt-get install libopenblas0\n".utf8))
      exit(1)
    }
    return found
  }

  #if canImport(Darwin)
    private static let fileNames = ["libopenblas.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.dylib"]
  #else
    private static let fileNames = ["libopenblas.so.0", "libopenblas.so"]
  #endif

  /// The library's handle as a number, because raw pointers are not `Sendable`.
  private static let address: UInt? = {
    for name in fileNames {
      if let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) { return UInt(bitPattern: handle) }
    }
    return nil
  }()

  private static var handle: UnsafeMutableRawPointer? { address.flatMap { UnsafeMutableRawPointer(bitPattern: $0) } }

  static let sgemv = routine("cblas_sgemv", as: cblas_sgemv_function.self)
  static let sgemm = routine("cblas_sgemm", as: cblas_sgemm_function.self)
  static let dgemm = routine("cblas_dgemm", as: cblas_dgemm_function.self)
  static let ssyrk = routine("cblas_ssyrk", as: cblas_ssyrk_function.self)
  static let dger = routine("cblas_dger", as: cblas_dger_function.self)
  static let setThreads = routine("openblas_set_num_threads", as: openblas_set_num_threads_function.self)
  static let dpotrf = routine("dpotrf_", as: dpotrf_function.self)
  static let dpotri = routine("dpotri_", as: dpotri_function.self)
  static let dpotrs = routine("dpotrs_", as: dpotrs_function.self)
  static let dsyevd = routine("dsyevd_", as: dsyevd_function.self)
}
