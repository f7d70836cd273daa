/// The ICE (RFC 8839) and DTLS (RFC 8842) attributes of a media section.
public struct TransportAttributes: Hashable, Sendable {
  /// `a=ice-ufrag`: 4 to 256 characters.
  public var iceUfrag: String?
  /// `a=ice-pwd`: 22 to 256 characters.
  public var icePassword: String?
  /// `a=ice-options`, such as "trickle".
  public var iceOptions: [String]
  /// `a=fingerprint` lines (RFC 8122), one or more per certificate.
  public var fingerprints: [Fingerprint]
  /// `a=setup`: who opens the DTLS association.
  public var setup: SetupRole?

  /// Transport attributes; all may be left out.
  public init(
    iceUfrag: String? = nil, icePassword: String? = nil, iceOptions: [String] = [], fingerprints: [Fingerprint] = [],
    setup: SetupRole? = nil
  ) {
    self.iceUfrag = iceUfrag
    self.icePassword = icePassword
    self.iceOptions = iceOptions
    self.fingerprints = fingerprints
    self.setup = setup
  }

  /// Takes what is missing here from a level above. User fragment and password belong together and go together.
  mutating func inherit(from above: TransportAttributes) {
    if iceUfrag == nil && icePassword == nil {
      iceUfrag = above.iceUfrag
      icePassword = above.icePassword
    }
    if iceOptions.isEmpty { iceOptions = above.iceOptions }
    if fingerprints.isEmpty { fingerprints = above.fingerprints }
    if setup == nil { setup = above.setup }
  }
}

/// Who opens the association (RFC 4145 §4): the active side sends the DTLS ClientHello.
public enum SetupRole: String, Hashable, Sendable {
  case active
  case passive
  case actpass
  case holdconn
}

/// The hash of a certificate (RFC 8122 §5): algorithm in lower case, value as upper-case pairs joined by colons.
public struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
  /// The hash function: "sha-256", ...
  public let algorithm: String
  /// The hash itself.
  public let bytes: [UInt8]

  /// A fingerprint made from a hash.
  public init(algorithm: String, bytes: [UInt8]) {
    self.algorithm = algorithm.lowercased()
    self.bytes = bytes
  }

  /// A fingerprint from its two words, hexadecimal digits in any case; nil when the second is not pairs of them joined
  /// by colons, or has another length than the algorithm gives.
  public init?(algorithm: some StringProtocol, hexadecimal: some StringProtocol) {
    var bytes: [UInt8] = []
    for pair in split(Substring(hexadecimal), at: ":") {
      guard pair.utf8.count == 2, pair.allSatisfy(\.isHexDigit), let byte = UInt8(pair, radix: 16) else { return nil }
      bytes.append(byte)
    }
    self.init(algorithm: String(algorithm), bytes: bytes)
    if let length = Self.lengths[self.algorithm], length != bytes.count { return nil }
  }

  /// Whether the hash function is one that RFC 8122 allows for certificates today.
  public var isUsable: Bool { Self.lengths[algorithm] != nil }

  /// As printed: `sha-256 AB:CD:...`.
  public var description: String {
    let digits = Array("0123456789ABCDEF")
    let pairs = bytes.map { "\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }
    return "\(algorithm) \(pairs.joined(separator: ":"))"
  }

  private static let lengths = ["sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64]
}
