internal import COpenSSL
internal import NIOCore

/// The checksums of STUN. All are taken over the message up to the attribute that holds them, with the header's
/// length field as if that attribute were the last one (RFC 8489 sections 14.5 to 14.7).
enum STUNChecksum {
  /// The HMAC of MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256.
  /// - Parameters:
  ///   - offset: where the attribute begins or will begin.
  ///   - length: of its value, which may be less than the digest's (RFC 8489 section 14.6).
  /// - Returns: the whole digest; nil only if OpenSSL does not have the hash.
  static func integrity(
    of message: ByteBuffer, upTo offset: Int, length: Int, key: some Collection<UInt8>, _ algorithm: STUNIntegrity
  ) -> [UInt8]? {
    withMessage(message, upTo: offset, attributeLength: 4 + length) { covered in
      var digest = [UInt8](repeating: 0, count: algorithm.length)
      let key = Array(key)
      let hash = algorithm == .sha1 ? EVP_sha1() : EVP_sha256()
      let result = HMAC(hash, key, Int32(key.count), covered.baseAddress, covered.count, &digest, nil)
      return result == nil ? nil : digest
    }
  }

  /// CRC-32 (of ITU V.42) XOR 0x5354554e.
  /// - Parameter offset: where FINGERPRINT begins or will begin.
  static func fingerprint(of message: ByteBuffer, upTo offset: Int) -> UInt32 {
    withMessage(message, upTo: offset, attributeLength: 8) { covered in
      var crc = UInt32.max
      for byte in covered { crc = crcTable[Int((crc ^ UInt32(byte)) & 0xFF)] ^ crc >> 8 }
      return ~crc ^ 0x5354_554E
    }
  }

  private static func withMessage<Result>(
    _ message: ByteBuffer, upTo offset: Int, attributeLength: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: offset) { copy in
      message.withUnsafeReadableBytes {
        UnsafeMutableRawBufferPointer(copy).copyMemory(from: .init(rebasing: $0[..<offset]))
      }
      let length = offset - STUNMessage.headerLength + attributeLength
      copy[2] = UInt8(truncatingIfNeeded: length >> 8)
      copy[3] = UInt8(truncatingIfNeeded: length)
      return body(UnsafeBufferPointer(copy))
    }
  }

  private static let crcTable: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? 0xEDB8_8320 ^ crc >> 1 : crc >> 1 }
  }
}
