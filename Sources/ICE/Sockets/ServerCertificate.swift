internal import COpenSSL

/// Checks the certificate a TLS server shows against the authorities we trust and the name we asked for (RFC 8489 section
/// 6.2.3), and says in words what is wrong with it. NIOSSL's own check says no more than that it failed.
final class ServerCertificate {
  /// More certificates are no honest chain.
  private static let maximumChainLength = 10

  private let store: OpaquePointer

  /// - Parameter roots: a PEM file of authorities to trust beside the system's.
  /// - Throws: ``StreamProblem`` if it can't be read.
  init(roots: String?) throws(StreamProblem) {
    guard let store = X509_STORE_new() else { throw StreamProblem("out of memory") }
    self.store = store
    X509_STORE_set_default_paths(store)
    if let roots, X509_STORE_load_file(store, roots) != 1 {
      throw StreamProblem("can't read the certificates of the authorities in \(roots)")
    }
    ERR_clear_error()
  }

  deinit { X509_STORE_free(store) }

  /// - Parameters:
  ///   - chain: the certificates in DER, the server's own first.
  ///   - host: the name or IP address it has to be for.
  /// - Returns: what is wrong with it; nil if it is right.
  func problem(of chain: [[UInt8]], host: String) -> StreamProblem? {
    let certificates = chain.prefix(Self.maximumChainLength).compactMap(Self.parse)
    defer { for certificate in certificates { X509_free(certificate) } }
    guard let leaf = certificates.first, let others = OPENSSL_sk_new_null(), let context = X509_STORE_CTX_new() else {
      return StreamProblem("it shows no certificate")
    }
    defer {
      X509_STORE_CTX_free(context)
      OPENSSL_sk_free(others)
      ERR_clear_error()
    }
    for certificate in certificates.dropFirst() { OPENSSL_sk_push(others, UnsafeRawPointer(certificate)) }
    guard X509_STORE_CTX_init(context, store, leaf, others) == 1, X509_STORE_CTX_set_default(context, "ssl_server") == 1
    else { return StreamProblem("its certificate can't be checked") }
    let parameters = X509_STORE_CTX_get0_param(context)
    X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
    let isNameSet =
      TransportAddress(host, port: 0) == nil
      ? X509_VERIFY_PARAM_set1_host(parameters, host, host.utf8.count)
      : X509_VERIFY_PARAM_set1_ip_asc(parameters, host)
    guard isNameSet == 1 else { return StreamProblem("\(host) is no name a certificate can be for") }
    if X509_verify_cert(context) == 1 { return nil }
    return Self.problem(X509_STORE_CTX_get_error(context), of: leaf, host: host)
  }

  private static func parse(_ der: [UInt8]) -> OpaquePointer? {
    der.withUnsafeBufferPointer { bytes in
      var start = bytes.baseAddress
      return d2i_X509(nil, &start, bytes.count)
    }
  }

  private static func problem(_ code: CInt, of leaf: OpaquePointer, host: String) -> StreamProblem {
    switch code {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      StreamProblem("its certificate expired on \(text(X509_get0_notAfter(leaf)))")
    case X509_V_ERR_CERT_NOT_YET_VALID:
      StreamProblem("its certificate is valid only from \(text(X509_get0_notBefore(leaf))): check the clock")
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
      StreamProblem("its certificate is for another host than \(host)")
    case X509_V_ERR_CERT_SIGNATURE_FAILURE, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
      X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
      X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      StreamProblem("its certificate comes from an authority that is not trusted here")
    default:
      StreamProblem("its certificate is not accepted: \(String(cString: X509_verify_cert_error_string(Int(code))))")
    }
  }

  /// A time as in `Nov 22 12:00:00 2026 GMT`.
  private static func text(_ time: UnsafePointer<ASN1_TIME>?) -> String {
    guard let time, let memory = BIO_new(BIO_s_mem()) else { return "an unknown date" }
    defer { BIO_free(memory) }
    ASN1_TIME_print(memory, time)
    var characters = [UInt8](repeating: 0, count: 64)
    let count = BIO_read(memory, &characters, CInt(characters.count))
    return String(decoding: characters.prefix(max(0, Int(count))), as: UTF8.self)
  }
}
