public import NIOCore

/// What a packet on a transport with `rtcp-mux` is (RFC 5761 §4).
public enum RTPPacketKind: Sendable, Equatable {
  case rtp
  case rtcp

  /// Tells RTP from RTCP by the second byte: 192...223 is where the RTCP packet types are, and no RTP payload type may
  /// be used that would fall there. Works on encrypted packets too. `nil` for what is neither.
  public init?(of datagram: ByteBuffer) {
    guard let first: UInt8 = datagram.getInteger(at: datagram.readerIndex),
      let second: UInt8 = datagram.getInteger(at: datagram.readerIndex + 1), first >> 6 == 2
    else { return nil }
    self = (192...223).contains(second) ? .rtcp : .rtp
  }
}
