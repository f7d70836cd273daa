internal import CSRTP
internal import NIOCore

/// Why a packet was not protected or not let through.
enum SRTPError: Error, Equatable {
  /// The authentication tag does not fit: tampered with, or made under another key.
  case authenticationFailed
  /// The packet came before, or is too old to tell.
  case replayed
  /// Too short, or its header is none of RTP or RTCP.
  case malformed
  /// The peer uses more SSRCs than ``SRTPContext/maximumStreams``.
  case tooManyStreams
  /// Anything else libsrtp says, by its number.
  case failed(UInt32)
}

/// SRTP and SRTCP in one direction (RFC 3711, RFC 7714) on libsrtp: packets are protected and unprotected where they lie.
final class SRTPContext {
  enum Direction {
    case sending, receiving
  }

  /// Per direction; a peer cannot make libsrtp keep state for more.
  static let maximumStreams = 64
  /// Packets that may be late and still be told from replayed ones.
  private static let replayWindow = 1024 as UInt
  /// The most our profiles append: a tag of 16 bytes and the index of SRTCP.
  static let maximumTrailer = 16 + 4

  private static let libraryStatus = srtp_init()

  /// Starts libsrtp, which tests its ciphers for 40 ms then: once a process, and better not in the middle of a handshake.
  static func prepareLibrary() { _ = libraryStatus }

  private let session: srtp_t
  private var streams: [UInt32] = []

  /// - Parameter key: master key followed by master salt, as long as the profile says.
  /// - Throws: ``PeerConnectionError/srtpFailed(_:)``.
  init(profile: SRTPProfile, key: [UInt8], direction: Direction) throws(PeerConnectionError) {
    guard Self.libraryStatus == srtp_err_status_ok else {
      throw .srtpFailed("libsrtp does not start (\(Self.libraryStatus.rawValue))")
    }
    guard key.count == profile.keyLength + profile.saltLength else { throw .srtpFailed("a key of \(key.count) bytes") }
    var policy = srtp_policy_t()
    switch profile {
    case .aes128CMHMACSHA1:
      srtp_crypto_policy_set_rtp_default(&policy.rtp)
      srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
    case .aeadAES128GCM:
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
      srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
    }
    policy.ssrc.type = direction == .sending ? ssrc_any_outbound : ssrc_any_inbound
    policy.window_size = Self.replayWindow
    // A packet may be sent again as it was when the peer did not negotiate RTX.
    policy.allow_repeat_tx = 1
    var session: srtp_t?
    var key = key
    let status = key.withUnsafeMutableBufferPointer { bytes in
      policy.key = bytes.baseAddress
      return srtp_create(&session, &policy)
    }
    guard status == srtp_err_status_ok, let session else { throw .srtpFailed("no context (\(status.rawValue))") }
    self.session = session
  }

  deinit {
    srtp_dealloc(session)
  }

  /// Encrypts an RTP packet in place and appends its tag.
  func protectRTP(_ packet: inout ByteBuffer) throws(SRTPError) {
    try transform(&packet, minimum: 12, grows: true, srtp_protect)
  }

  /// Encrypts a compound RTCP packet in place and appends index and tag.
  func protectRTCP(_ packet: inout ByteBuffer) throws(SRTPError) {
    try transform(&packet, minimum: 8, grows: true, srtp_protect_rtcp)
  }

  /// Checks and decrypts an RTP packet in place.
  func unprotectRTP(_ packet: inout ByteBuffer) throws(SRTPError) {
    try unprotect(&packet, minimum: 12, ssrcOffset: 8, srtp_unprotect)
  }

  /// Checks and decrypts a compound RTCP packet in place.
  func unprotectRTCP(_ packet: inout ByteBuffer) throws(SRTPError) {
    try unprotect(&packet, minimum: 8, ssrcOffset: 4, srtp_unprotect_rtcp)
  }

  private typealias Operation = (srtp_t?, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int32>?) -> srtp_err_status_t

  private func unprotect(
    _ packet: inout ByteBuffer, minimum: Int, ssrcOffset: Int, _ operation: Operation
  ) throws(SRTPError) {
    guard let ssrc = packet.getInteger(at: packet.readerIndex + ssrcOffset, as: UInt32.self) else { throw .malformed }
    let isKnown = streams.contains(ssrc)
    guard isKnown || streams.count < Self.maximumStreams else { throw .tooManyStreams }
    try transform(&packet, minimum: minimum, grows: false, operation)
    // Only now: a forged packet must not take up room.
    if !isKnown { streams.append(ssrc) }
  }

  private func transform(
    _ packet: inout ByteBuffer, minimum: Int, grows: Bool, _ operation: Operation
  ) throws(SRTPError) {
    guard packet.readableBytes >= minimum else { throw .malformed }
    let before = packet.readableBytes
    let start = packet.readerIndex
    if grows { packet.reserveCapacity(minimumWritableBytes: Self.maximumTrailer) }
    var length = Int32(before)
    // Copies first if somebody else, such as the history for retransmission, holds the same bytes.
    let status = packet.withVeryUnsafeMutableBytes { bytes in
      operation(session, bytes.baseAddress.map { $0 + start }, &length)
    }
    switch status {
    case srtp_err_status_ok: packet.moveWriterIndex(to: start + Int(length))
    case srtp_err_status_auth_fail: throw .authenticationFailed
    case srtp_err_status_replay_fail, srtp_err_status_replay_old, srtp_err_status_pkt_idx_old: throw .replayed
    case srtp_err_status_bad_param, srtp_err_status_parse_err: throw .malformed
    default: throw .failed(status.rawValue)
    }
  }
}
