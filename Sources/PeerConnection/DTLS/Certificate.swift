internal import COpenSSL
public import SDP

/// A self-signed certificate with an ECDSA key on P-256 (RFC 8827 section 6.5), valid for 30 days. It says nothing
/// about who we are: what counts is that its fingerprint travelled over signaling.
public final class Certificate: @unchecked Sendable {
  // @unchecked: both objects are never changed after init, and OpenSSL counts their references atomically.
  let key: OpaquePointer
  let x509: OpaquePointer
  /// The fingerprint as it goes into a session description.
  public let fingerprint: Fingerprint

  private static let validity: Int = 30 * 24 * 3600
  /// A peer's clock may be behind ours.
  private static let clockTolerance: Int = 24 * 3600

  /// Makes a key and signs a certificate with it.
  /// - Throws: ``PeerConnectionError/system(_:)`` when OpenSSL cannot.
  public init() throws(PeerConnectionError) {
    guard let key = shim_EVP_EC_gen_P256() else { throw .system("no key could be made: \(OpenSSLErrors.drain())") }
    guard let x509 = X509_new() else {
      EVP_PKEY_free(key)
      throw .system("no certificate could be made: \(OpenSSLErrors.drain())")
    }
    guard Self.fill(x509, key: key), let digest = Fingerprint(of: x509, algorithm: "sha-256") else {
      X509_free(x509)
      EVP_PKEY_free(key)
      throw .system("no certificate could be made: \(OpenSSLErrors.drain())")
    }
    self.key = key
    self.x509 = x509
    fingerprint = digest
  }

  deinit {
    X509_free(x509)
    EVP_PKEY_free(key)
  }

  private static func fill(_ x509: OpaquePointer, key: OpaquePointer) -> Bool {
    guard let serial = BN_new() else { return false }
    defer { BN_free(serial) }
    guard BN_rand(serial, 64, 0, 0) == 1, BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x509)) != nil,
      X509_set_version(x509, 2) == 1,
      X509_gmtime_adj(X509_getm_notBefore(x509), -clockTolerance) != nil,
      X509_gmtime_adj(X509_getm_notAfter(x509), validity) != nil,
      X509_set_pubkey(x509, key) == 1,
      let name = X509_get_subject_name(x509),
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, "WebRTC", -1, -1, 0) == 1,
      X509_set_issuer_name(x509, name) == 1
    else { return false }
    return X509_sign(x509, key, EVP_sha256()) > 0
  }
}

/// OpenSSL's error queue of this thread.
enum OpenSSLErrors {
  /// Empties the queue.
  /// - Returns: what it said, newest last; "no details" if nothing.
  static func drain() -> String {
    var texts: [String] = []
    while texts.count < 8 {
      let code = ERR_get_error()
      if code == 0 { break }
      texts.append(ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)")
    }
    ERR_clear_error()
    return texts.isEmpty ? "no details" : texts.joined(separator: ", ")
  }
}
