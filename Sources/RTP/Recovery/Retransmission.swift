import NIOCore

/// The RTX payload format (RFC 4588 §4).
extension RTPPacket {
  /// The packet that this one repeats: the first two bytes of the payload are its sequence number.
  /// - Returns: `nil` when there is nothing to repeat, as in the packets that only pad.
  func unwrappingRetransmission(ssrc: SSRC, payloadType: PayloadType) -> RTPPacket? {
    var original = self
    guard let sequence: UInt16 = original.payload.readInteger(), original.payload.readableBytes > 0 else { return nil }
    original.sequenceNumber = SequenceNumber(sequence)
    original.ssrc = ssrc
    original.payloadType = payloadType
    original.paddingLength = 0
    return original
  }
}
