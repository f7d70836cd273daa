public import NIOCore

/// Writes a STUN message attribute by attribute (RFC 8489 section 5).
public struct STUNWriter {
  private var bytes: ByteBuffer
  private let transactionID: STUNTransactionID

  /// Begins a message.
  public init(_ messageClass: STUNClass, method: STUNMethod = .binding, transactionID: STUNTransactionID) {
    bytes = ByteBufferAllocator().buffer(capacity: 160)
    self.transactionID = transactionID
    let (kind, number) = (UInt16(messageClass.rawValue), method.rawValue)
    let type =
      number & 0xF | (number & 0x70) << 1 | (number & 0xF80) << 2 | (kind & 1) << 4 | (kind & 2) << 7
    bytes.writeMultipleIntegers(type, UInt16(0), STUNMessage.magicCookie, transactionID.high, transactionID.low)
  }

  /// Any attribute; at most 763 bytes are written, the longest any text may have.
  public mutating func append(_ type: STUNAttributeType, bytes value: some Collection<UInt8>) {
    let value = value.prefix(763)
    bytes.writeMultipleIntegers(type.rawValue, UInt16(value.count))
    bytes.writeBytes(value)
    bytes.writeRepeatingByte(0, count: -value.count & 3)
  }

  /// A flag, such as USE-CANDIDATE.
  public mutating func append(_ type: STUNAttributeType) {
    append(type, bytes: EmptyCollection())
  }

  /// Text in UTF-8, cut after 763 bytes.
  public mutating func append(_ type: STUNAttributeType, text: String) {
    append(type, bytes: text.utf8)
  }

  /// A number in network byte order, of the size its type has: 32 or 64 bits.
  public mutating func append(_ type: STUNAttributeType, integer: some FixedWidthInteger) {
    bytes.writeMultipleIntegers(type.rawValue, UInt16(integer.bitWidth / 8))
    bytes.writeInteger(integer)
  }

  /// DATA (RFC 8656 section 18.4), at most 65,000 bytes.
  public mutating func append(data: ByteBuffer) {
    let data = data.getSlice(at: data.readerIndex, length: min(data.readableBytes, 65_000)) ?? data
    bytes.writeMultipleIntegers(STUNAttributeType.data.rawValue, UInt16(data.readableBytes))
    bytes.writeImmutableBuffer(data)
    bytes.writeRepeatingByte(0, count: -data.readableBytes & 3)
  }

  /// XOR-MAPPED-ADDRESS (RFC 8489 section 14.2).
  public mutating func append(xorMappedAddress address: TransportAddress) {
    append(.xorMappedAddress, xored: address)
  }

  /// An address in the way of XOR-MAPPED-ADDRESS, such as XOR-PEER-ADDRESS.
  public mutating func append(_ type: STUNAttributeType, xored address: TransportAddress) {
    let cookie = STUNMessage.magicCookie
    let port = address.port ^ UInt16(cookie >> 16)
    switch address.family {
    case .v4:
      bytes.writeMultipleIntegers(
        type.rawValue, UInt16(8), UInt16(1), port, UInt32(truncatingIfNeeded: address.low) ^ cookie)
    case .v6:
      let mask = UInt64(cookie) << 32 | UInt64(transactionID.high)
      bytes.writeMultipleIntegers(
        type.rawValue, UInt16(20), UInt16(2), port, address.high ^ mask, address.low ^ transactionID.low)
    }
  }

  /// An address in the way of MAPPED-ADDRESS, such as ALTERNATE-SERVER (RFC 8489 section 14.15).
  public mutating func append(_ type: STUNAttributeType, plain address: TransportAddress) {
    switch address.family {
    case .v4:
      bytes.writeMultipleIntegers(
        type.rawValue, UInt16(8), UInt16(1), address.port, UInt32(truncatingIfNeeded: address.low))
    case .v6:
      bytes.writeMultipleIntegers(type.rawValue, UInt16(20), UInt16(2), address.port, address.high, address.low)
    }
  }

  /// ERROR-CODE (RFC 8489 section 14.8).
  public mutating func append(_ error: STUNErrorCode) {
    let number = UInt32(error.code / 100) << 8 | UInt32(error.code % 100)
    append(.errorCode, bytes: withUnsafeBytes(of: number.bigEndian, Array.init) + error.reason.utf8)
  }

  /// UNKNOWN-ATTRIBUTES (RFC 8489 section 14.13).
  public mutating func append(unknownAttributes types: [STUNAttributeType]) {
    append(.unknownAttributes, bytes: types.flatMap { [UInt8($0.rawValue >> 8), UInt8($0.rawValue & 0xFF)] })
  }

  /// Ends the message.
  /// - Parameters:
  ///   - key: makes a MESSAGE-INTEGRITY; the password's bytes for short-term credentials.
  ///   - integrity: which of the two it is made with.
  ///   - fingerprint: whether a FINGERPRINT follows, as ICE demands.
  public consuming func finish(
    key: (some Collection<UInt8>)?, integrity: STUNIntegrity = .sha1, fingerprint: Bool = true
  ) -> ByteBuffer {
    let offset = bytes.writerIndex
    if let key,
      let digest = STUNChecksum.integrity(of: bytes, upTo: offset, length: integrity.length, key: key, integrity)
    {
      append(integrity.attribute, bytes: digest)
    }
    if fingerprint {
      append(.fingerprint, integer: STUNChecksum.fingerprint(of: bytes, upTo: bytes.writerIndex))
    }
    bytes.setInteger(UInt16(clamping: bytes.writerIndex - STUNMessage.headerLength), at: 2)
    return bytes
  }

  /// Ends a message that is not authenticated.
  public consuming func finish(fingerprint: Bool = true) -> ByteBuffer {
    finish(key: [UInt8]?.none, fingerprint: fingerprint)
  }
}
