public import NIOCore

/// A received RTP packet, read in place: `payload` and `extensions` share the datagram's bytes (RFC 3550 §5.1).
public struct RTPPacket: Sendable {
  /// The marker: last packet of a video frame, first of a talk spurt.
  public var isMarked: Bool
  public var payloadType: PayloadType
  public var sequenceNumber: SequenceNumber
  public var timestamp: RTPTimestamp
  public var ssrc: SSRC
  /// The header extensions, not yet looked into.
  public var extensions: HeaderExtensionBlock
  /// What follows the header, without the padding. Empty in a packet that only pads.
  public var payload: ByteBuffer
  /// Bytes of padding behind the payload.
  public var paddingLength: Int

  /// Bytes of the header without CSRCs and extensions.
  public static let fixedHeaderLength = 12

  /// Reads a whole packet, as it is after decryption.
  /// - Throws: ``RTPError`` naming the part that is wrong.
  public init(parsing datagram: ByteBuffer) throws(RTPError) {
    let start = datagram.readerIndex
    let end = datagram.writerIndex
    guard let first: UInt8 = datagram.getInteger(at: start), end - start >= Self.fixedHeaderLength,
      let second: UInt8 = datagram.getInteger(at: start + 1),
      let sequence: UInt16 = datagram.getInteger(at: start + 2),
      let time: UInt32 = datagram.getInteger(at: start + 4),
      let source: UInt32 = datagram.getInteger(at: start + 8)
    else { throw .truncated("RTP header") }
    guard first >> 6 == 2 else { throw .badVersion(first >> 6) }
    isMarked = second & 0x80 != 0
    payloadType = PayloadType(second)
    sequenceNumber = SequenceNumber(sequence)
    timestamp = RTPTimestamp(time)
    ssrc = SSRC(source)

    var index = start + Self.fixedHeaderLength + Int(first & 0x0F) * 4
    guard index <= end else { throw .truncated("list of contributing sources") }
    extensions = HeaderExtensionBlock()
    if first & 0x10 != 0 {
      guard let profile: UInt16 = datagram.getInteger(at: index),
        let words: UInt16 = datagram.getInteger(at: index + 2),
        let block = datagram.getSlice(at: index + 4, length: Int(words) * 4)
      else { throw .truncated("header extension") }
      extensions = HeaderExtensionBlock(profile: profile, bytes: block)
      index += 4 + Int(words) * 4
    }

    paddingLength = 0
    if first & 0x20 != 0 {
      // RFC 3550 §5.1: the last byte counts the padding, itself included.
      guard index < end, let count: UInt8 = datagram.getInteger(at: end - 1), count > 0, index + Int(count) <= end
      else {
        throw .malformed("padding")
      }
      paddingLength = Int(count)
    }
    guard let body = datagram.getSlice(at: index, length: end - paddingLength - index) else {
      throw .truncated("payload")
    }
    payload = body
  }
}
