internal import CBLAS

/// Threads inside the linear algebra library.
package enum LinearAlgebraThreads {
  /// Set once: every call runs on the calling thread, so that results never depend on the machine's cores and callers may run
  /// side by side.
  package static let areSerial: Bool = {
    openblas_set_num_threads(1)
    return true
  }()
}
