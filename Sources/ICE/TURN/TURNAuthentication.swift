internal import NIOCore

/// The client's side of long-term credentials (RFC 8489 section 9.2): what the server asked for, and how to answer.
struct TURNAuthentication {
  private let username: String
  private let password: String
  private var challenge: Challenge?

  private struct Challenge {
    let realm: ByteBuffer
    var nonce: ByteBuffer
    /// PASSWORD-ALGORITHMS as it came, to be sent back.
    let offered: ByteBuffer?
    let algorithm: STUNPasswordAlgorithm
    let hidesUsername: Bool
    let key: [UInt8]

    var integrity: STUNIntegrity { offered == nil ? .sha1 : .sha256 }
  }

  /// What the nonce says about the server (RFC 8489 section 9.2): text that such nonces begin with, and 24 flags in base64.
  private enum Cookie {
    static let prefix = Array("obMatJos2".utf8)
    // Flags are counted from the left (section 18.1), but from the right in the sample of appendix B.1.
    static let passwordAlgorithms: UInt32 = 0x80_0001
    static let usernameAnonymity: UInt32 = 0x40_0002
  }

  init(username: String, password: String) {
    self.username = username
    self.password = password
  }

  /// Whether requests can be authenticated.
  var isReady: Bool { challenge != nil }

  /// Takes realm and nonce of a 401 or 438 response.
  /// - Returns: false if it has none, asks for no algorithm we know, or was stripped of its algorithms on the way.
  mutating func adopt(_ response: STUNMessage) -> Bool {
    guard let nonce = response.bytes(of: .nonce),
      let realm = response.bytes(of: .realm) ?? (response.errorCode?.code == 438 ? challenge?.realm : nil)
    else { return false }
    let flags = Self.flags(of: nonce)
    let offered = response.bytes(of: .passwordAlgorithms)
    guard offered != nil || flags & Cookie.passwordAlgorithms == 0,
      let algorithm = offered.map(Self.choose) ?? .md5
    else { return false }
    challenge = Challenge(
      realm: realm, nonce: nonce, offered: offered, algorithm: algorithm,
      hidesUsername: flags & Cookie.usernameAnonymity != 0,
      key: STUNLongTermKey.make(
        username: username, realm: String(buffer: realm), password: password, algorithm))
    return true
  }

  /// Ends a request; without a challenge it goes as it is, and the server answers with one.
  func finish(_ writer: consuming STUNWriter) -> ByteBuffer {
    guard let challenge else { return writer.finish(fingerprint: false) }
    if challenge.hidesUsername {
      let hash = STUNLongTermKey.userhash(username: username, realm: String(buffer: challenge.realm))
      writer.append(.userhash, bytes: hash)
    } else {
      writer.append(.username, text: username)
    }
    writer.append(.realm, bytes: challenge.realm.readableBytesView)
    writer.append(.nonce, bytes: challenge.nonce.readableBytesView)
    if let offered = challenge.offered {
      writer.append(.passwordAlgorithms, bytes: offered.readableBytesView)
      writer.append(.passwordAlgorithm, integer: UInt32(challenge.algorithm.rawValue) << 16)
    }
    return writer.finish(key: challenge.key, integrity: challenge.integrity, fingerprint: false)
  }

  /// Whether a response to an authenticated request was made by who knows the password.
  func isAuthentic(_ response: STUNMessage) -> Bool {
    guard let challenge else { return false }
    return response.isAuthentic(key: challenge.key, challenge.integrity)
  }

  /// The better of the algorithms in PASSWORD-ALGORITHMS (RFC 8489 section 14.11); nil if we know none.
  private static func choose(from offered: ByteBuffer) -> STUNPasswordAlgorithm? {
    var (offered, known) = (offered, Set<STUNPasswordAlgorithm>())
    while let (number, length) = offered.readMultipleIntegers(as: (UInt16, UInt16).self) {
      if let algorithm = STUNPasswordAlgorithm(rawValue: number) { known.insert(algorithm) }
      guard offered.readSlice(length: min((Int(length) + 3) & ~3, offered.readableBytes)) != nil else { break }
    }
    return known.contains(.sha256) ? .sha256 : known.first
  }

  private static func flags(of nonce: ByteBuffer) -> UInt32 {
    let bytes = nonce.readableBytesView
    guard bytes.starts(with: Cookie.prefix), bytes.count >= Cookie.prefix.count + 4 else { return 0 }
    return bytes.dropFirst(Cookie.prefix.count).prefix(4).reduce(0) { flags, byte in
      let digit: UInt8 =
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte + 4
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: 0
        }
      return flags << 6 | UInt32(digit)
    }
  }
}
