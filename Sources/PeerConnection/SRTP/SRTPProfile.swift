/// A protection profile of DTLS-SRTP (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
public enum SRTPProfile: UInt16, Sendable, Hashable {
  case aes128CMHMACSHA1 = 0x0001
  case aeadAES128GCM = 0x0007

  /// What we offer, best first: GCM costs a seventh of the processor time of AES-CM with HMAC-SHA1.
  public static let preferred: [SRTPProfile] = [.aeadAES128GCM, .aes128CMHMACSHA1]

  /// The name in IANA's registry, which OpenSSL takes too.
  public var name: String {
    switch self {
    case .aes128CMHMACSHA1: "SRTP_AES128_CM_SHA1_80"
    case .aeadAES128GCM: "SRTP_AEAD_AES_128_GCM"
    }
  }

  /// Bytes of the master key.
  var keyLength: Int { 16 }

  /// Bytes of the master salt.
  var saltLength: Int {
    switch self {
    case .aes128CMHMACSHA1: 14
    case .aeadAES128GCM: 12
    }
  }
}

/// The master keys of both directions, each a key followed by its salt.
struct SRTPKeys: Equatable {
  var profile: SRTPProfile
  /// Protects what we send.
  var local: [UInt8]
  /// Protects what the peer sends.
  var remote: [UInt8]

  /// Bytes to be exported from DTLS for both directions (RFC 5764 section 4.2).
  static func exportedLength(_ profile: SRTPProfile) -> Int { 2 * (profile.keyLength + profile.saltLength) }

  /// Takes apart what the exporter gave: client key, server key, client salt, server salt (RFC 5764 section 4.2).
  /// - Precondition: `exported` has ``exportedLength(_:)`` bytes.
  init(profile: SRTPProfile, exported: [UInt8], isClient: Bool) {
    let (key, salt) = (profile.keyLength, profile.saltLength)
    let client = Array(exported[..<key] + exported[(2 * key)..<(2 * key + salt)])
    let server = Array(exported[key..<(2 * key)] + exported[(2 * key + salt)...])
    self.profile = profile
    local = isClient ? client : server
    remote = isClient ? server : client
  }
}
