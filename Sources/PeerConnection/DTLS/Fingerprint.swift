internal import COpenSSL
internal import SDP

/// What DTLS does with the digests of certificates (RFC 8122 section 5) that descriptions carry.
extension Fingerprint {
  /// The digest of an OpenSSL certificate.
  /// - Returns: nil for algorithms we do not accept; SHA-1 and MD5 are among those (RFC 8122 section 5.1).
  init?(of x509: OpaquePointer, algorithm: String) {
    let digest =
      switch algorithm {
      case "sha-256": EVP_sha256()
      case "sha-384": EVP_sha384()
      case "sha-512": EVP_sha512()
      default: OpaquePointer?.none
      }
    guard let digest else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length = UInt32(bytes.count)
    guard X509_digest(x509, digest, &bytes, &length) == 1 else { return nil }
    self.init(algorithm: algorithm, bytes: Array(bytes.prefix(Int(length))))
  }

  /// Compares in a time that does not tell where the two differ.
  func matches(_ other: Fingerprint) -> Bool {
    guard algorithm == other.algorithm, bytes.count == other.bytes.count else { return false }
    return CRYPTO_memcmp(bytes, other.bytes, bytes.count) == 0
  }
}
