/// What a STUN message is for (RFC 8489 section 5).
public enum STUNClass: UInt8, Sendable {
  case request = 0
  case indication = 1
  case successResponse = 2
  case errorResponse = 3
}

/// A STUN method (RFC 8489 section 18.2, RFC 8656 section 17).
public struct STUNMethod: RawRepresentable, Hashable, Sendable {
  /// 12 bits.
  public let rawValue: UInt16

  /// A method by its number; the upper 4 bits are dropped.
  public init(rawValue: UInt16) {
    self.rawValue = rawValue & 0xFFF
  }

  /// Asks for our address as the other side sees it (RFC 8489 section 2); ICE checks paths with it.
  public static let binding = STUNMethod(rawValue: 0x001)
  /// Asks for a relayed address (RFC 8656 section 7).
  public static let allocate = STUNMethod(rawValue: 0x003)
  /// Makes an allocation last longer, or ends it (RFC 8656 section 8).
  public static let refresh = STUNMethod(rawValue: 0x004)
  /// An indication with a datagram for a peer (RFC 8656 section 11).
  public static let send = STUNMethod(rawValue: 0x006)
  /// An indication with a datagram of a peer (RFC 8656 section 11).
  public static let data = STUNMethod(rawValue: 0x007)
  /// Lets an IP address send to the relayed address (RFC 8656 section 10).
  public static let createPermission = STUNMethod(rawValue: 0x008)
  /// Gives a peer a number that stands for it in short headers (RFC 8656 section 12).
  public static let channelBind = STUNMethod(rawValue: 0x009)
}

/// The 96 bits that join a response to its request.
public struct STUNTransactionID: Hashable, Sendable {
  let high: UInt32
  let low: UInt64

  init(high: UInt32, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// A new one; the generator has to be unpredictable where responses are trusted by it (RFC 8489 section 5).
  public init(using random: inout some RandomNumberGenerator) {
    self.init(high: UInt32.random(in: 0...UInt32.max, using: &random), low: random.next())
  }
}

/// A STUN attribute type (RFC 8489 section 18.3, RFC 8445 section 16.1, RFC 8656 section 18).
public struct STUNAttributeType: RawRepresentable, Hashable, Sendable {
  /// As it stands in the message.
  public let rawValue: UInt16

  /// A type by its number.
  public init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  /// Whether a message with it must not be processed by who does not know it (RFC 8489 section 14).
  public var isComprehensionRequired: Bool { rawValue < 0x8000 }

  /// MAPPED-ADDRESS (RFC 8489 section 14.1).
  public static let mappedAddress = STUNAttributeType(rawValue: 0x0001)
  /// RFC 5780 section 7.2.
  public static let changeRequest = STUNAttributeType(rawValue: 0x0003)
  /// USERNAME (RFC 8489 section 14.3).
  public static let username = STUNAttributeType(rawValue: 0x0006)
  /// MESSAGE-INTEGRITY, HMAC-SHA1 (RFC 8489 section 14.5).
  public static let messageIntegrity = STUNAttributeType(rawValue: 0x0008)
  /// ERROR-CODE (RFC 8489 section 14.8).
  public static let errorCode = STUNAttributeType(rawValue: 0x0009)
  /// UNKNOWN-ATTRIBUTES of a 420 (RFC 8489 section 14.13).
  public static let unknownAttributes = STUNAttributeType(rawValue: 0x000A)
  /// CHANNEL-NUMBER (RFC 8656 section 18.1).
  public static let channelNumber = STUNAttributeType(rawValue: 0x000C)
  /// LIFETIME of an allocation, in seconds (RFC 8656 section 18.2).
  public static let lifetime = STUNAttributeType(rawValue: 0x000D)
  /// XOR-PEER-ADDRESS (RFC 8656 section 18.3).
  public static let xorPeerAddress = STUNAttributeType(rawValue: 0x0012)
  /// DATA (RFC 8656 section 18.4).
  public static let data = STUNAttributeType(rawValue: 0x0013)
  /// REALM (RFC 8489 section 14.9).
  public static let realm = STUNAttributeType(rawValue: 0x0014)
  /// NONCE (RFC 8489 section 14.10).
  public static let nonce = STUNAttributeType(rawValue: 0x0015)
  /// XOR-RELAYED-ADDRESS (RFC 8656 section 18.5).
  public static let xorRelayedAddress = STUNAttributeType(rawValue: 0x0016)
  /// REQUESTED-ADDRESS-FAMILY (RFC 8656 section 18.6).
  public static let requestedAddressFamily = STUNAttributeType(rawValue: 0x0017)
  /// REQUESTED-TRANSPORT: an IP protocol number (RFC 8656 section 18.8).
  public static let requestedTransport = STUNAttributeType(rawValue: 0x0019)
  /// MESSAGE-INTEGRITY-SHA256 (RFC 8489 section 14.6).
  public static let messageIntegritySHA256 = STUNAttributeType(rawValue: 0x001C)
  /// PASSWORD-ALGORITHM that the client chose (RFC 8489 section 14.12).
  public static let passwordAlgorithm = STUNAttributeType(rawValue: 0x001D)
  /// USERHASH, in place of the user name (RFC 8489 section 14.4).
  public static let userhash = STUNAttributeType(rawValue: 0x001E)
  /// XOR-MAPPED-ADDRESS (RFC 8489 section 14.2).
  public static let xorMappedAddress = STUNAttributeType(rawValue: 0x0020)
  /// PRIORITY that a peer-reflexive candidate would have (RFC 8445 section 7.1.1).
  public static let priority = STUNAttributeType(rawValue: 0x0024)
  /// USE-CANDIDATE: the pair is nominated (RFC 8445 section 7.1.2).
  public static let useCandidate = STUNAttributeType(rawValue: 0x0025)
  /// ADDITIONAL-ADDRESS-FAMILY (RFC 8656 section 18.11).
  public static let additionalAddressFamily = STUNAttributeType(rawValue: 0x8000)
  /// The same by the number that coturn (4.6) knows it by; nobody else has a meaning for this one.
  public static let additionalAddressFamilyOfCoturn = STUNAttributeType(rawValue: 0x8032)
  /// PASSWORD-ALGORITHMS that the server offers (RFC 8489 section 14.11).
  public static let passwordAlgorithms = STUNAttributeType(rawValue: 0x8002)
  /// ALTERNATE-DOMAIN of a 300 (RFC 8489 section 14.16).
  public static let alternateDomain = STUNAttributeType(rawValue: 0x8003)
  /// SOFTWARE (RFC 8489 section 14.14).
  public static let software = STUNAttributeType(rawValue: 0x8022)
  /// ALTERNATE-SERVER of a 300 (RFC 8489 section 14.15).
  public static let alternateServer = STUNAttributeType(rawValue: 0x8023)
  /// FINGERPRINT, CRC-32 (RFC 8489 section 14.7).
  public static let fingerprint = STUNAttributeType(rawValue: 0x8028)
  /// RFC 5780 section 7.4.
  public static let otherAddress = STUNAttributeType(rawValue: 0x802C)
  /// ICE-CONTROLLED with the tie-breaker (RFC 8445 section 7.1.3).
  public static let iceControlled = STUNAttributeType(rawValue: 0x8029)
  /// ICE-CONTROLLING with the tie-breaker (RFC 8445 section 7.1.3).
  public static let iceControlling = STUNAttributeType(rawValue: 0x802A)

  /// The comprehension-required attributes that are understood; others are answered with 420.
  static let understood: Set<STUNAttributeType> = [
    .mappedAddress, .username, .messageIntegrity, .errorCode, .unknownAttributes, .realm, .nonce,
    .messageIntegritySHA256, .xorMappedAddress, .priority, .useCandidate, .channelNumber, .lifetime, .xorPeerAddress,
    .data, .xorRelayedAddress, .requestedAddressFamily, .requestedTransport, .passwordAlgorithm, .userhash,
  ]
}

/// The content of ERROR-CODE (RFC 8489 section 14.8).
public struct STUNErrorCode: Hashable, Sendable {
  /// 300...699.
  public var code: Int
  /// For people; at most 763 bytes of UTF-8.
  public var reason: String

  /// An error of this number and text.
  public init(code: Int, reason: String) {
    self.code = code
    self.reason = reason
  }

  /// The request is malformed (RFC 8489 section 14.8).
  public static let badRequest = STUNErrorCode(code: 400, reason: "Bad Request")
  /// The request lacks credentials, or has wrong ones (RFC 8489 section 14.8).
  public static let unauthenticated = STUNErrorCode(code: 401, reason: "Unauthenticated")
  /// A comprehension-required attribute is not known (RFC 8489 section 14.8).
  public static let unknownAttribute = STUNErrorCode(code: 420, reason: "Unknown Attribute")
  /// The one who asked has to take the other role (RFC 8445 section 7.3.1.1).
  public static let roleConflict = STUNErrorCode(code: 487, reason: "Role Conflict")
}

/// Why bytes are no STUN message.
public enum STUNError: Error, Hashable, CustomStringConvertible {
  case tooShort(Int)
  case notSTUN
  case lengthMismatch(stated: Int, actual: Int)
  case attributeTooLong(type: UInt16)
  case attributeMalformed(type: UInt16)
  case tooManyAttributes
  case badFingerprint

  /// What is wrong, for people.
  public var description: String {
    switch self {
    case .tooShort(let bytes): "STUN message of \(bytes) bytes: the header alone has 20"
    case .notSTUN: "not STUN: no magic cookie"
    case .lengthMismatch(let stated, let actual): "STUN message says \(stated) bytes of attributes and has \(actual)"
    case .attributeTooLong(let type): "STUN attribute 0x\(String(type, radix: 16)) is longer than its message"
    case .attributeMalformed(let type): "STUN attribute 0x\(String(type, radix: 16)) is malformed or misplaced"
    case .tooManyAttributes: "STUN message with more than \(STUNMessage.maximumAttributes) attributes"
    case .badFingerprint: "STUN message with a wrong FINGERPRINT"
    }
  }
}
