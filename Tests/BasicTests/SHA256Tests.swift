import Basic
import Testing

/// Digests against published ones, whole and in pieces.
struct SHA256Tests {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func publishedDigests(_ text: String, _ digest: String) {
    #expect(SHA256.hexadecimal(of: text) == digest)
  }

  @Test func aMillionLettersInPiecesOfUnevenLength() {
    var hash = SHA256()
    let letters = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    var start = 0
    var step = 1
    while start < letters.count {
      let end = min(letters.count, start + step)
      letters[start..<end].withUnsafeBytes { hash.update($0) }
      (start, step) = (end, step * 3 % 1009 + 1)
    }
    let digest = hash.hexadecimal()
    #expect(digest == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }
}
