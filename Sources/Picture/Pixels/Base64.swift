/// Base64 (RFC 4648) for the terminal.
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Bytes that so many bytes become.
  static func length(_ count: Int) -> Int { (count + 2) / 3 * 4 }

  /// Writes the bytes, padded.
  static func write(_ bytes: UnsafeBufferPointer<UInt8>, into pen: inout BytePen) {
    alphabet.withUnsafeBufferPointer { alphabet in
      var at = 0
      while at < bytes.count {
        let rest = bytes.count - at
        let word =
          UInt32(bytes[at]) << 16 | (rest > 1 ? UInt32(bytes[at + 1]) << 8 : 0) | (rest > 2 ? UInt32(bytes[at + 2]) : 0)
        pen.byte(alphabet[Int(word >> 18)])
        pen.byte(alphabet[Int(word >> 12 & 63)])
        pen.byte(rest > 1 ? alphabet[Int(word >> 6 & 63)] : 0x3D)
        pen.byte(rest > 2 ? alphabet[Int(word & 63)] : 0x3D)
        at += 3
      }
    }
  }
}
