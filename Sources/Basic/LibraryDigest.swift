internal import Foundation

/// SHA-256 of libcrypto, opened on demand; there is none where the library is not installed.
final class LibraryDigest {
  private typealias Context = OpaquePointer
  private let context: Context
  private let routines: Routines

  private struct Routines {
    var create: @convention(c) () -> Context?
    var algorithm: @convention(c) () -> OpaquePointer?
    var begin: @convention(c) (Context?, OpaquePointer?, OpaquePointer?) -> Int32
    var update: @convention(c) (Context?, UnsafeRawPointer?, Int) -> Int32
    var finish: @convention(c) (Context?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt32>?) -> Int32
    var free: @convention(c) (Context?) -> Void

    init?() {
      let names: [String] = ["libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.dylib"]
      guard let library = names.lazy.compactMap({ name in dlopen(name, RTLD_NOW) }).first else { return nil }
      func routine<Function>(_ name: String, _ type: Function.Type) -> Function? {
        dlsym(library, name).map { unsafeBitCast($0, to: type) }
      }
      guard let create = routine("EVP_MD_CTX_new", (@convention(c) () -> Context?).self),
        let algorithm = routine("EVP_sha256", (@convention(c) () -> OpaquePointer?).self),
        let begin = routine("EVP_DigestInit_ex", (@convention(c) (Context?, OpaquePointer?, OpaquePointer?) -> Int32).self),
        let update = routine("EVP_DigestUpdate", (@convention(c) (Context?, UnsafeRawPointer?, Int) -> Int32).self),
        let finish = routine(
          "EVP_DigestFinal_ex", (@convention(c) (Context?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt32>?) -> Int32).self),
        let free = routine("EVP_MD_CTX_free", (@convention(c) (Context?) -> Void).self)
      else { return nil }
      (self.create, self.algorithm, self.begin, self.update, self.finish, self.free) = (create, algorithm, begin, update, finish, free)
    }
  }

  init?() {
    guard let routines = Routines(), let context = routines.create() else { return nil }
    guard routines.begin(context, routines.algorithm(), nil) == 1 else {
      routines.free(context)
      return nil
    }
    self.context = context
    self.routines = routines
  }

  deinit { routines.free(context) }

  func update(_ bytes: UnsafeRawBufferPointer) { _ = routines.update(context, bytes.baseAddress, bytes.count) }

  /// The 32 bytes of the digest.
  func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    var count: UInt32 = 0
    _ = routines.finish(context, &digest, &count)
    return digest
  }
}
