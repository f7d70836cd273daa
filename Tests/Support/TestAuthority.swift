import COpenSSL

/// A certificate authority of our own, for servers of tests.
public final class TestAuthority {
  /// OpenSSL refused something.
  public struct Failure: Error {}

  /// What a server needs, as PEM.
  public struct Identity: Sendable {
    public let certificate: String
    public let key: String
  }

  private let key: OpaquePointer
  private let x509: OpaquePointer

  /// A new one with a new key.
  public init() throws {
    guard let key = shim_EVP_EC_gen_P256(), let x509 = X509_new() else { throw Failure() }
    (self.key, self.x509) = (key, x509)
    try Self.fill(x509, subject: "Test authority", key: key, days: 1)
    try Self.sign(x509, issuer: x509, key: key, extensions: [(NID_basic_constraints, "critical,CA:TRUE")])
  }

  deinit {
    X509_free(x509)
    EVP_PKEY_free(key)
  }

  /// Our certificate, for those who are to trust us.
  public var certificate: String {
    get throws { try Self.pem { PEM_write_bio_X509($0, x509) } }
  }

  /// Certifies a new key.
  /// - Parameters:
  ///   - names: what it is for, as `DNS:example.org` or `IP:127.0.0.1`.
  ///   - days: how long it is valid from now; negative: so long ago it expired.
  public func issue(for names: [String], days: Int = 1) throws -> Identity {
    guard let key = shim_EVP_EC_gen_P256() else { throw Failure() }
    defer { EVP_PKEY_free(key) }
    guard let x509 = X509_new() else { throw Failure() }
    defer { X509_free(x509) }
    try Self.fill(x509, subject: "Test server", key: key, days: days)
    try Self.sign(
      x509, issuer: self.x509, key: self.key,
      extensions: [(NID_basic_constraints, "critical,CA:FALSE"), (NID_subject_alt_name, names.joined(separator: ","))])
    return Identity(
      certificate: try Self.pem { PEM_write_bio_X509($0, x509) },
      key: try Self.pem { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) })
  }

  private static func fill(_ x509: OpaquePointer, subject: String, key: OpaquePointer, days: Int) throws {
    let day = 24 * 3600
    guard X509_set_version(x509, 2) == 1,
      ASN1_INTEGER_set(X509_get_serialNumber(x509), .random(in: 1...Int(Int32.max))) == 1,
      X509_gmtime_adj(X509_getm_notBefore(x509), min(days - 1, -1) * day) != nil,
      X509_gmtime_adj(X509_getm_notAfter(x509), days * day) != nil,
      X509_set_pubkey(x509, key) == 1,
      X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8, subject, -1, -1, 0) == 1
    else { throw Failure() }
  }

  private static func sign(
    _ x509: OpaquePointer, issuer: OpaquePointer, key: OpaquePointer, extensions: [(id: CInt, value: String)]
  ) throws {
    guard X509_set_issuer_name(x509, X509_get_subject_name(issuer)) == 1 else { throw Failure() }
    for (id, value) in extensions {
      guard let made = X509V3_EXT_conf_nid(nil, nil, id, value) else { throw Failure() }
      defer { X509_EXTENSION_free(made) }
      guard X509_add_ext(x509, made, -1) == 1 else { throw Failure() }
    }
    guard X509_sign(x509, key, EVP_sha256()) > 0 else { throw Failure() }
  }

  private static func pem(_ write: (OpaquePointer) -> CInt) throws -> String {
    guard let memory = BIO_new(BIO_s_mem()) else { throw Failure() }
    defer { BIO_free(memory) }
    guard write(memory) == 1 else { throw Failure() }
    var bytes = [UInt8](repeating: 0, count: 8192)
    let count = BIO_read(memory, &bytes, CInt(bytes.count))
    return String(decoding: bytes.prefix(max(0, Int(count))), as: UTF8.self)
  }
}
