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

  public init(rawValue: UInt16) {
    self.rawValue = rawValue & 0xFFF
  }

  public static let binding = STUNMethod(rawValue: 0x001)
  public static let allocate = STUNMethod(rawValue: 0x003)
  public static let refresh = STUNMethod(rawValue: 0x004)
  public static let send = STUNMethod(rawValue: 0x006)
  public static let data = STUNMethod(rawValue: 0x007)
  public static let createPermission = STUNMethod(rawValue: 0x008)
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
  public let rawValue: UInt16

  public init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  /// Whether a message with it must not be processed by who does not know it (RFC 8489 section 14).
  public var isComprehensionRequired: Bool { rawValue < 0x8000 }

  public static let mappedAddress = STUNAttributeType(rawValue: 0x0001)
  /// RFC 5780 section 7.2.
  public static let changeRequest = STUNAttributeType(rawValue: 0x0003)
  public static let username = STUNAttributeType(rawValue: 0x0006)
  public static let messageIntegrity = STUNAttributeType(rawValue: 0x0008)
  public static let errorCode = STUNAttributeType(rawValue: 0x0009)
  public static let unknownAttributes = STUNAttributeType(rawValue: 0x000A)
  public static let channelNumber = STUNAttributeType(rawValue: 0x000C)
  public static let lifetime = STUNAttributeType(rawValue: 0x000D)
  public static let xorPeerAddress = STUNAttributeType(rawValue: 0x0012)
  public static let data = STUNAttributeType(rawValue: 0x0013)
  public static let realm = STUNAttributeType(rawValue: 0x0014)
  public static let nonce = STUNAttributeType(rawValue: 0x0015)
  public static let xorRelayedAddress = STUNAttributeType(rawValue: 0x0016)
  public static let requestedAddressFamily = STUNAttributeType(rawValue: 0x0017)
  public static let requestedTransport = STUNAttributeType(rawValue: 0x0019)
  public static let messageIntegritySHA256 = STUNAttributeType(rawValue: 0x001C)
  public static let passwordAlgorithm = STUNAttributeType(rawValue: 0x001D)
  public static let userhash = STUNAttributeType(rawValue: 0x001E)
  public static let xorMappedAddress = STUNAttributeType(rawValue: 0x0020)
  public static let priority = STUNAttributeType(rawValue: 0x0024)
  public static let useCandidate = STUNAttributeType(rawValue: 0x0025)
  public static let additionalAddressFamily = STUNAttributeType(rawValue: 0x8000)
  /// The same by the number that coturn (4.6) knows it by; nobody else has a meaning for this one.
  public static let additionalAddressFamilyOfCoturn = STUNAttributeType(rawValue: 0x8032)
  public static let passwordAlgorithms = STUNAttributeType(rawValue: 0x8002)
  public static let alternateDomain = STUNAttributeType(rawValue: 0x8003)
  public static let software = STUNAttributeType(rawValue: 0x8022)
  public static let alternateServer = STUNAttributeType(rawValue: 0x8023)
  public static let fingerprint = STUNAttributeType(rawValue: 0x8028)
  /// RFC 5780 section 7.4.
  public static let otherAddress = STUNAttributeType(rawValue: 0x802C)
  public static let iceControlled = STUNAttributeType(rawValue: 0x8029)
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

  public init(code: Int, reason: String) {
    self.code = code
    self.reason = reason
  }

  public static let badRequest = STUNErrorCode(code: 400, reason: "Bad Request")
  public static let unauthenticated = STUNErrorCode(code: 401, reason: "Unauthenticated")
  public static let unknownAttribute = STUNErrorCode(code: 420, reason: "Unknown Attribute")
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
