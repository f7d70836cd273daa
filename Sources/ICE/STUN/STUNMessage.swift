public import NIOCore

/// A STUN message as it came (RFC 8489 section 5): a checked view of the datagram; nothing is copied until it is asked for.
///
/// Attributes after MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256 are not seen, since it does not cover them (section 14.5),
/// and of several attributes of one type the first counts (section 14).
public struct STUNMessage: Sendable {
  static let headerLength = 20
  static let magicCookie: UInt32 = 0x2112_A442
  /// The most attributes of a message that is read.
  public static let maximumAttributes = 64

  /// Request, indication or response.
  public let messageClass: STUNClass
  /// What is asked for or answered.
  public let method: STUNMethod
  /// Joins request and response.
  public let transactionID: STUNTransactionID
  /// Exactly the message.
  let bytes: ByteBuffer
  /// Offset of MESSAGE-INTEGRITY in the message.
  private let integrityOffset: Int?
  /// Offset of MESSAGE-INTEGRITY-SHA256 in the message.
  private let integritySHA256Offset: Int?
  /// Offset of FINGERPRINT in the message.
  private let fingerprintOffset: Int?

  /// Whether a datagram begins as STUN does, by the first byte of RFC 7983 section 7 and the magic cookie.
  public static func isSTUN(_ datagram: ByteBuffer) -> Bool {
    let start = datagram.readerIndex
    guard datagram.readableBytes >= headerLength, let first = datagram.getInteger(at: start, as: UInt8.self) else {
      return false
    }
    return first < 4 && datagram.getInteger(at: start + 4) == magicCookie
  }

  /// Reads a whole datagram. A FINGERPRINT, if there is one, is checked.
  /// - Throws: ``STUNError``.
  public init(parsing datagram: ByteBuffer) throws(STUNError) {
    guard datagram.readableBytes >= Self.headerLength else { throw .tooShort(datagram.readableBytes) }
    let bytes = datagram.slice()
    guard Self.isSTUN(bytes), let type = bytes.getInteger(at: 0, as: UInt16.self),
      let length = bytes.getInteger(at: 2, as: UInt16.self), let idHigh = bytes.getInteger(at: 8, as: UInt32.self),
      let idLow = bytes.getInteger(at: 12, as: UInt64.self),
      let messageClass = STUNClass(rawValue: UInt8((type >> 7) & 2 | (type >> 4) & 1))
    else { throw .notSTUN }
    guard length % 4 == 0, Int(length) == bytes.readableBytes - Self.headerLength else {
      throw .lengthMismatch(stated: Int(length), actual: bytes.readableBytes - Self.headerLength)
    }
    self.messageClass = messageClass
    method = STUNMethod(rawValue: type & 0xF | (type & 0xE0) >> 1 | (type & 0x3E00) >> 2)
    transactionID = STUNTransactionID(high: idHigh, low: idLow)
    self.bytes = bytes

    var (integrity, integritySHA256, fingerprint): (Int?, Int?, Int?)
    var count = 0
    var offset = Self.headerLength
    while offset < bytes.readableBytes {
      count += 1
      guard count <= Self.maximumAttributes else { throw .tooManyAttributes }
      // FINGERPRINT comes last (section 14.7).
      if let fingerprint { throw .attributeMalformed(type: bytes.getInteger(at: fingerprint) ?? 0) }
      guard let attribute = Self.attribute(at: offset, in: bytes) else {
        throw .attributeTooLong(type: bytes.getInteger(at: offset) ?? 0)
      }
      if attribute.type == .messageIntegrity, integrity == nil {
        guard attribute.value.count == 20 else { throw .attributeMalformed(type: attribute.type.rawValue) }
        integrity = offset
      } else if attribute.type == .messageIntegritySHA256, integritySHA256 == nil {
        let length = attribute.value.count
        guard (16...32).contains(length), length % 4 == 0 else {
          throw .attributeMalformed(type: attribute.type.rawValue)
        }
        integritySHA256 = offset
      } else if attribute.type == .fingerprint {
        guard attribute.value.count == 4 else { throw .attributeMalformed(type: attribute.type.rawValue) }
        fingerprint = offset
      }
      offset = attribute.end
    }
    integrityOffset = integrity
    integritySHA256Offset = integritySHA256
    fingerprintOffset = fingerprint
    if let fingerprint {
      let stated = bytes.getInteger(at: fingerprint + 4, as: UInt32.self)
      guard stated == STUNChecksum.fingerprint(of: bytes, upTo: fingerprint) else { throw .badFingerprint }
    }
  }

  // MARK: Attributes

  private struct Attribute {
    let type: STUNAttributeType
    /// Where the value is in the message.
    let value: Range<Int>
    /// Where the next attribute begins.
    let end: Int
  }

  private static func attribute(at offset: Int, in bytes: ByteBuffer) -> Attribute? {
    guard let type = bytes.getInteger(at: offset, as: UInt16.self),
      let length = bytes.getInteger(at: offset + 2, as: UInt16.self)
    else { return nil }
    let start = offset + 4
    let end = start + (Int(length) + 3) & ~3
    guard end <= bytes.readableBytes else { return nil }
    return Attribute(type: STUNAttributeType(rawValue: type), value: start..<start + Int(length), end: end)
  }

  /// Calls `body` with the attributes that count, in order, until it returns false.
  private func forEachAttribute(_ body: (Attribute) -> Bool) {
    var offset = Self.headerLength
    let end =
      integrityOffset.map { min($0, integritySHA256Offset ?? $0) } ?? integritySHA256Offset
      ?? fingerprintOffset ?? bytes.readableBytes
    while offset < end, let attribute = Self.attribute(at: offset, in: bytes) {
      guard body(attribute) else { return }
      offset = attribute.end
    }
  }

  private func value(of type: STUNAttributeType) -> Range<Int>? {
    var found: Range<Int>?
    forEachAttribute { attribute in
      guard attribute.type == type else { return true }
      found = attribute.value
      return false
    }
    return found
  }

  private func integer<Number: FixedWidthInteger>(_ type: STUNAttributeType, as: Number.Type) -> Number? {
    guard let value = value(of: type), value.count == MemoryLayout<Number>.size else { return nil }
    return bytes.getInteger(at: value.lowerBound)
  }

  /// The bytes of an attribute's value; nil if the message does not have it.
  public func bytes(of type: STUNAttributeType) -> ByteBuffer? {
    value(of: type).flatMap { bytes.getSlice(at: $0.lowerBound, length: $0.count) }
  }

  /// An attribute's value as text; nil if the message does not have it. Bytes that are not UTF-8 are replaced.
  public func text(of type: STUNAttributeType) -> String? {
    bytes(of: type).map { String(buffer: $0) }
  }

  /// USERNAME; nil if missing.
  public var username: String? { text(of: .username) }
  /// PRIORITY (RFC 8445 section 16.1); nil if missing or malformed.
  public var priority: UInt32? { integer(.priority, as: UInt32.self) }
  /// Whether USE-CANDIDATE is there.
  public var useCandidate: Bool { value(of: .useCandidate) != nil }
  /// The tie-breaker of ICE-CONTROLLING; nil if missing or malformed.
  public var iceControlling: UInt64? { integer(.iceControlling, as: UInt64.self) }
  /// The tie-breaker of ICE-CONTROLLED; nil if missing or malformed.
  public var iceControlled: UInt64? { integer(.iceControlled, as: UInt64.self) }
  /// Whether there is a FINGERPRINT (which is right, or the message would not have been read).
  public var hasFingerprint: Bool { fingerprintOffset != nil }
  /// Whether there is a MESSAGE-INTEGRITY, right or wrong.
  public var hasMessageIntegrity: Bool { integrityOffset != nil || integritySHA256Offset != nil }

  /// XOR-MAPPED-ADDRESS, or the MAPPED-ADDRESS of a server older than RFC 5389; nil if both are missing or malformed.
  public var mappedAddress: TransportAddress? {
    if let value = value(of: .xorMappedAddress) { return address(value, isXored: true) }
    return value(of: .mappedAddress).flatMap { address($0, isXored: false) }
  }

  /// An address in the way of XOR-MAPPED-ADDRESS, such as XOR-PEER-ADDRESS; nil if missing or malformed.
  public func xoredAddress(of type: STUNAttributeType) -> TransportAddress? {
    value(of: type).flatMap { address($0, isXored: true) }
  }

  /// XOR-RELAYED-ADDRESS: one a family that was asked for (RFC 8656 section 7.3); malformed ones are left out.
  public var relayedAddresses: [TransportAddress] {
    var addresses: [TransportAddress] = []
    forEachAttribute { attribute in
      if attribute.type == .xorRelayedAddress, let address = address(attribute.value, isXored: true) {
        addresses.append(address)
      }
      return true
    }
    return addresses
  }

  /// ALTERNATE-SERVER; nil if missing or malformed.
  public var alternateServer: TransportAddress? {
    value(of: .alternateServer).flatMap { address($0, isXored: false) }
  }

  /// OTHER-ADDRESS (RFC 5780 section 7.4); nil if missing or malformed.
  public var otherAddress: TransportAddress? {
    value(of: .otherAddress).flatMap { address($0, isXored: false) }
  }

  /// LIFETIME in seconds (RFC 8656 section 18.2); nil if missing or malformed.
  public var lifetime: UInt32? { integer(.lifetime, as: UInt32.self) }

  /// CHANNEL-NUMBER (RFC 8656 section 18.1); nil if missing or malformed.
  public var channelNumber: UInt16? { integer(.channelNumber, as: UInt32.self).map { UInt16($0 >> 16) } }

  private func address(_ value: Range<Int>, isXored: Bool) -> TransportAddress? {
    let start = value.lowerBound
    guard value.count >= 8, let family = bytes.getInteger(at: start + 1, as: UInt8.self),
      var port = bytes.getInteger(at: start + 2, as: UInt16.self)
    else { return nil }
    if isXored { port ^= UInt16(Self.magicCookie >> 16) }
    switch (family, value.count) {
    case (1, 8):
      guard var v4 = bytes.getInteger(at: start + 4, as: UInt32.self) else { return nil }
      if isXored { v4 ^= Self.magicCookie }
      return TransportAddress(v4: v4, port: port)
    case (2, 20):
      guard var high = bytes.getInteger(at: start + 4, as: UInt64.self),
        var low = bytes.getInteger(at: start + 12, as: UInt64.self)
      else { return nil }
      if isXored {
        high ^= UInt64(Self.magicCookie) << 32 | UInt64(transactionID.high)
        low ^= transactionID.low
      }
      return TransportAddress(v6: high, low, port: port)
    default: return nil
    }
  }

  /// ERROR-CODE; nil if missing or malformed.
  public var errorCode: STUNErrorCode? {
    guard let value = value(of: .errorCode), value.count >= 4,
      let hundreds = bytes.getInteger(at: value.lowerBound + 2, as: UInt8.self), (3...6).contains(hundreds & 7),
      let rest = bytes.getInteger(at: value.lowerBound + 3, as: UInt8.self), rest < 100
    else { return nil }
    let reason = bytes.getSlice(at: value.lowerBound + 4, length: value.count - 4).map { String(buffer: $0) }
    return STUNErrorCode(code: Int(hundreds & 7) * 100 + Int(rest), reason: reason ?? "")
  }

  /// The types in UNKNOWN-ATTRIBUTES; empty if missing.
  public var unknownAttributes: [STUNAttributeType] {
    guard let value = value(of: .unknownAttributes) else { return [] }
    return stride(from: value.lowerBound, to: value.upperBound - 1, by: 2).compactMap {
      bytes.getInteger(at: $0).map(STUNAttributeType.init(rawValue:))
    }
  }

  /// The comprehension-required attributes in this message that we do not understand (RFC 8489 section 6.3).
  public var incomprehensible: [STUNAttributeType] {
    var types: [STUNAttributeType] = []
    forEachAttribute { attribute in
      let type = attribute.type
      if type.isComprehensionRequired, !STUNAttributeType.understood.contains(type), !types.contains(type) {
        types.append(type)
      }
      return true
    }
    return types
  }

  /// Whether MESSAGE-INTEGRITY is there and made with this key (RFC 8489 sections 9.1.3 and 9.2.4): the password's bytes for
  /// short-term credentials, ``STUNLongTermKey`` for long-term ones.
  /// - Parameter integrity: which of the two attributes counts.
  public func isAuthentic(key: some Collection<UInt8>, _ integrity: STUNIntegrity = .sha1) -> Bool {
    guard let offset = integrity == .sha1 ? integrityOffset : integritySHA256Offset,
      let attribute = Self.attribute(at: offset, in: bytes),
      let stated = bytes.getSlice(at: attribute.value.lowerBound, length: attribute.value.count),
      let computed = STUNChecksum.integrity(
        of: bytes, upTo: offset, length: attribute.value.count, key: key, integrity)
    else { return false }
    return zip(stated.readableBytesView, computed).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
