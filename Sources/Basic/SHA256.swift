/// SHA-256 (FIPS 180-4).
///
/// Long inputs go through libcrypto where it can be opened, which uses the processor's own instructions (≈ 2 GB/s); loading it
/// takes longer than hashing a machine description here.
package struct SHA256: ~Copyable {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  /// Bytes of an unfinished block.
  private var rest: [UInt8] = []
  private var length = 0
  private let library: LibraryDigest?

  /// Inputs from which opening the library pays, in bytes.
  private static let libraryThreshold = 1 << 20

  /// `bytes` is how many are expected, as far as that is known.
  package init(expecting bytes: Int = 0) {
    library = bytes >= Self.libraryThreshold ? LibraryDigest() : nil
  }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    if let library { return library.update(bytes) }
    length += bytes.count
    var bytes = bytes[...]
    if !rest.isEmpty {
      let taken = bytes.prefix(64 - rest.count)
      rest += taken
      bytes = bytes.dropFirst(taken.count)
      guard rest.count == 64 else { return }
      rest.withUnsafeBytes { SHA256.compress(&state, $0) }
      rest.removeAll(keepingCapacity: true)
    }
    let whole = bytes.prefix(bytes.count / 64 * 64)
    SHA256.compress(&state, UnsafeRawBufferPointer(rebasing: whole))
    rest += bytes.dropFirst(whole.count)
  }

  /// The digest as 64 hexadecimal digits.
  package consuming func hexadecimal() -> String {
    if let library { return Self.text(library.finish()) }
    let bits = UInt64(length) &* 8
    var end: [UInt8] = [0x80]
    end += [UInt8](repeating: 0, count: (119 - length % 64) % 64)
    end += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) }
    end.withUnsafeBytes { update($0) }
    return Self.text(state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * UInt32($0))) } })
  }

  package static func hexadecimal(of text: String) -> String {
    var hash = SHA256(expecting: text.utf8.count)
    var text = text
    text.withUTF8 { hash.update(UnsafeRawBufferPointer($0)) }
    return hash.hexadecimal()
  }

  private static func text(_ digest: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// Whole blocks of 64 bytes.
  private static func compress(_ state: inout [UInt32], _ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty else { return }
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { w in
      constants.withUnsafeBufferPointer { k in
        var h = (state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7])
        for block in stride(from: 0, to: bytes.count, by: 64) {
          for i in 0..<16 { w[i] = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: block + 4 * i, as: UInt32.self)) }
          for i in 16..<64 {
            let (a, b) = (w[i - 15], w[i - 2])
            let s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >> 3)
            let s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >> 10)
            w[i] = w[i - 16] &+ s0 &+ w[i - 7] &+ s1
          }
          var v = h
          for i in 0..<64 {
            let s1 = rotate(v.4, 6) ^ rotate(v.4, 11) ^ rotate(v.4, 25)
            let t1 = v.7 &+ s1 &+ ((v.4 & v.5) ^ (~v.4 & v.6)) &+ k[i] &+ w[i]
            let s0 = rotate(v.0, 2) ^ rotate(v.0, 13) ^ rotate(v.0, 22)
            let t2 = s0 &+ ((v.0 & v.1) ^ (v.0 & v.2) ^ (v.1 & v.2))
            v = (t1 &+ t2, v.0, v.1, v.2, v.3 &+ t1, v.4, v.5, v.6)
          }
          h = (h.0 &+ v.0, h.1 &+ v.1, h.2 &+ v.2, h.3 &+ v.3, h.4 &+ v.4, h.5 &+ v.5, h.6 &+ v.6, h.7 &+ v.7)
        }
        state = [h.0, h.1, h.2, h.3, h.4, h.5, h.6, h.7]
      }
    }
  }

  @inline(__always) private static func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { (x >> n) | (x << (32 - n)) }

  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01,
    0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc,
    0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147,
    0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116, 0x1e37_6c08,
    0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3, 0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208,
    0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
  ]
}
