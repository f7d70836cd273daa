internal import COpenSSL
internal import DequeModule
internal import NIOCore
internal import SDP

/// A DTLS 1.2 association with one peer for the keys of SRTP (RFC 5763, RFC 5764), on OpenSSL with memory BIOs: datagrams
/// in, datagrams out.
///
/// The retransmission timer of the handshake is OpenSSL's own and looks at the wall clock, which no interface of the
/// library can replace. So this class takes no time: it says how long its timer still has to run, and a caller that
/// lives in virtual time must let as much real time pass while a handshake is on.
///
/// A client hello in several fragments is reassembled by OpenSSL. `DTLSv1_listen` and cookies are left out, since they
/// cannot take such a hello; ICE has verified the peer's address already (RFC 8827 section 6.5).
final class DTLSTransport {
  enum Role: Sendable {
    /// `setup:active`: sends the client hello.
    case client
    /// `setup:passive`.
    case server
  }

  enum State: Equatable {
    case new, connecting, connected, closed
    case failed(PeerConnectionError)
  }

  private(set) var state = State.new
  /// The keys of SRTP; nil until the peer has proved to own the announced certificate.
  private(set) var keys: SRTPKeys?
  let role: Role

  /// The retransmission timer starts short, since a call waits for it (RFC 6347 section 4.2.4.1 allows it), and doubles.
  private static let firstTimeoutMicroseconds: UInt32 = 50_000
  private static let longestTimeoutMicroseconds: UInt32 = 3_000_000
  /// A record's header (RFC 6347 section 4.1), whose last two bytes are the length of what follows.
  private static let recordHeaderLength = 13
  /// A datagram larger than this is no DTLS of a handshake over UDP.
  private static let largestDatagram = 16_384

  private let fingerprints: [Fingerprint]
  private let mtu: Int
  private let context: OpaquePointer
  private let ssl: OpaquePointer
  // Owned by `ssl`.
  private let input: OpaquePointer
  private let output: OpaquePointer
  private var datagrams: Deque<ByteBuffer> = []
  private var mismatch: Fingerprint?

  /// - Parameters:
  ///   - fingerprints: what the peer announced; one of them must be the digest of its certificate.
  ///   - profiles: SRTP profiles to offer or choose from, best first.
  ///   - mtu: the largest datagram to make, in bytes.
  init(
    certificate: Certificate, role: Role, fingerprints: [Fingerprint],
    profiles: [SRTPProfile] = SRTPProfile.preferred, mtu: Int = 1200
  ) throws(PeerConnectionError) {
    self.role = role
    self.fingerprints = fingerprints
    self.mtu = mtu
    guard let context = SSL_CTX_new(DTLS_method()) else { throw .system("DTLS: \(OpenSSLErrors.drain())") }
    guard Self.configure(context, certificate: certificate, profiles: profiles), let ssl = SSL_new(context) else {
      SSL_CTX_free(context)
      throw .system("DTLS: \(OpenSSLErrors.drain())")
    }
    guard let input = BIO_new(BIO_s_mem()), let output = BIO_new(BIO_s_mem()) else {
      SSL_free(ssl)
      SSL_CTX_free(context)
      throw .system("DTLS: \(OpenSSLErrors.drain())")
    }
    shim_BIO_set_retry_when_empty(input)
    shim_BIO_set_retry_when_empty(output)
    SSL_set_bio(ssl, input, output)
    self.context = context
    self.ssl = ssl
    self.input = input
    self.output = output
    shim_SSL_set_mtu(ssl, mtu)
    DTLS_set_timer_cb(ssl) { _, previous in DTLSTransport.nextTimeout(after: previous) }
    switch role {
    case .client: SSL_set_connect_state(ssl)
    case .server: SSL_set_accept_state(ssl)
    }
    SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
  }

  deinit {
    SSL_free(ssl)
    SSL_CTX_free(context)
  }

  /// Begins the handshake: a client sends its hello, a server waits for one.
  func start() {
    guard state == .new else { return }
    state = .connecting
    advance()
  }

  /// Takes one datagram whose first byte is 20...63 (RFC 7983). Anything may be in it.
  func receive(_ datagram: ByteBuffer) {
    guard state == .connecting || state == .connected, datagram.readableBytes <= Self.largestDatagram else { return }
    // What is left of a datagram that OpenSSL did not care to read would be taken for the beginning of this one.
    shim_BIO_reset(input)
    datagram.withUnsafeReadableBytes { bytes in
      _ = BIO_write(input, bytes.baseAddress, Int32(bytes.count))
    }
    advance()
  }

  /// How long until ``handleTimeout()`` wants to be called; nil when no timer runs.
  func timeLeft() -> TimeAmount? {
    guard state == .connecting else { return nil }
    let left = shim_DTLS_timeout_microseconds(ssl)
    return left < 0 ? nil : .microseconds(left)
  }

  /// Sends the last flight again if its time has come by the wall clock.
  func handleTimeout() {
    guard state == .connecting else { return }
    ERR_clear_error()
    if shim_DTLS_handle_timeout(ssl) < 0 {
      fail(.dtlsFailed("the peer does not answer the handshake (\(OpenSSLErrors.drain()))"))
    }
    collectOutput()
  }

  /// Sends close_notify.
  func close() {
    guard state == .connecting || state == .connected else { return }
    if state == .connected {
      ERR_clear_error()
      _ = SSL_shutdown(ssl)
      collectOutput()
    }
    state = .closed
  }

  /// The next datagram to be sent.
  func nextDatagram() -> ByteBuffer? { datagrams.popFirst() }

  /// "DTLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256", once connected.
  var summary: String {
    guard keys != nil, let cipher = SSL_get_current_cipher(ssl) else { return "" }
    return "\(String(cString: SSL_get_version(ssl))) \(String(cString: SSL_CIPHER_get_name(cipher)))"
  }

  // MARK: - OpenSSL

  private static func configure(_ context: OpaquePointer, certificate: Certificate, profiles: [SRTPProfile]) -> Bool {
    let ciphers = [
      "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305",
      "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
      "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA",
    ]
    // The path MTU is what ICE and the session say, not what a socket would.
    shim_SSL_CTX_set_options(context, UInt64(1) << 12 /* SSL_OP_NO_QUERY_MTU */)
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    SSL_CTX_set_cert_verify_callback(context, { store, _ in DTLSTransport.verify(store) }, nil)
    return shim_SSL_CTX_use_DTLS_1_2_only(context) == 1
      && SSL_CTX_set_cipher_list(context, ciphers.joined(separator: ":")) == 1
      && shim_SSL_CTX_set_groups_list(context, "X25519:P-256:P-384") == 1
      && SSL_CTX_use_certificate(context, certificate.x509) == 1
      && SSL_CTX_use_PrivateKey(context, certificate.key) == 1
      // This one returns 0 for success.
      && SSL_CTX_set_tlsext_use_srtp(context, profiles.map(\.name).joined(separator: ":")) == 0
  }

  /// Takes the place of OpenSSL's chain verification: the certificate is self-signed and only its digest counts. A
  /// refusal here ends the handshake with a bad_certificate alert before any key exists.
  private static func verify(_ store: OpaquePointer?) -> Int32 {
    guard let store,
      let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
      let object = SSL_get_ex_data(OpaquePointer(ssl), 0)
    else { return 0 }
    let transport = Unmanaged<DTLSTransport>.fromOpaque(object).takeUnretainedValue()
    guard transport.accepts(X509_STORE_CTX_get0_cert(store)) else {
      X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED)
      return 0
    }
    return 1
  }

  private static func nextTimeout(after previous: UInt32) -> UInt32 {
    previous == 0 ? firstTimeoutMicroseconds : min(previous &* 2, longestTimeoutMicroseconds)
  }

  private func accepts(_ x509: OpaquePointer?) -> Bool {
    guard let x509 else { return false }
    for expected in fingerprints {
      guard let actual = Fingerprint(of: x509, algorithm: expected.algorithm) else { continue }
      if actual.matches(expected) { return true }
      mismatch = actual
    }
    return false
  }

  /// Lets OpenSSL read what has come in, and goes on with the handshake.
  private func advance() {
    ERR_clear_error()
    if state == .connecting {
      let result = SSL_do_handshake(ssl)
      if result == 1 {
        finishHandshake()
      } else {
        check(SSL_get_error(ssl, result))
      }
    }
    if state == .connected { readRecords() }
    collectOutput()
  }

  private func finishHandshake() {
    guard let selected = SSL_get_selected_srtp_profile(ssl),
      let profile = SRTPProfile(rawValue: UInt16(truncatingIfNeeded: selected.pointee.id))
    else {
      _ = SSL_shutdown(ssl)
      return fail(.dtlsFailed("the peer does not agree to an SRTP profile"))
    }
    var exported = [UInt8](repeating: 0, count: SRTPKeys.exportedLength(profile))
    let label = "EXTRACTOR-dtls_srtp"
    guard SSL_export_keying_material(ssl, &exported, exported.count, label, label.utf8.count, nil, 0, 0) == 1 else {
      return fail(.dtlsFailed("no SRTP keys: \(OpenSSLErrors.drain())"))
    }
    keys = SRTPKeys(profile: profile, exported: exported, isClient: role == .client)
    state = .connected
  }

  /// After the handshake only alerts and repeated Finished messages are of interest, and OpenSSL deals with both;
  /// application data (a data channel, which we never offer) is thrown away.
  private func readRecords() {
    withUnsafeTemporaryAllocation(byteCount: 2048, alignment: 1) { scratch in
      // A datagram holds a bounded number of records, and each turn eats one.
      while state == .connected {
        let result = SSL_read(ssl, scratch.baseAddress, Int32(scratch.count))
        if result > 0 { continue }
        check(SSL_get_error(ssl, result))
        break
      }
    }
  }

  private func check(_ error: Int32) {
    switch error {
    case SSL_ERROR_NONE, SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE:
      break
    case SSL_ERROR_ZERO_RETURN:
      _ = SSL_shutdown(ssl)
      state = .closed
    default:
      if let mismatch {
        let expected = fingerprints.map(\.description).joined(separator: " or ")
        fail(.fingerprintMismatch(expected: expected, actual: mismatch.description))
      } else {
        fail(.dtlsFailed(OpenSSLErrors.drain()))
      }
    }
  }

  private func fail(_ error: PeerConnectionError) {
    keys = nil
    state = .failed(error)
  }

  /// Cuts what OpenSSL wrote into datagrams: whole records, as many as fit. The memory BIO keeps no boundaries.
  private func collectOutput() {
    let pending = shim_BIO_pending(output)
    guard pending > 0 else { return }
    var bytes = [UInt8](repeating: 0, count: pending)
    let count = Int(BIO_read(output, &bytes, Int32(pending)))
    var datagram = ByteBuffer()
    var position = 0
    while position + Self.recordHeaderLength <= count {
      let length = Int(bytes[position + 11]) << 8 | Int(bytes[position + 12])
      let end = min(position + Self.recordHeaderLength + length, count)
      if datagram.readableBytes > 0, datagram.readableBytes + end - position > mtu {
        datagrams.append(datagram)
        datagram = ByteBuffer()
      }
      datagram.writeBytes(bytes[position..<end])
      position = end
    }
    if datagram.readableBytes > 0 { datagrams.append(datagram) }
  }
}
