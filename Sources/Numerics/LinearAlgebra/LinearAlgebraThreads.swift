internal import CBLAS

/// How the linear algebra library runs in this process.
package enum LinearAlgebraThreads {
  /// Set once: every call runs on the calling thread, so that results never depend on the machine's cores and callers may run
  /// side by side.
  package static let areSerial: Bool = {
    LinearAlgebraKernels.chooseWidest()
    LinearAlgebraLibrary.setThreads(1)
    return true
  }()
}
