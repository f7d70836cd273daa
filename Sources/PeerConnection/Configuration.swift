public import ICE

/// How a peer connection is made (`RTCConfiguration`, and what a page cannot choose).
public struct PeerConnectionConfiguration: Sendable {
  /// STUN servers.
  public var iceServers: [ICEServer] = []
  /// Whether addresses of the loopback interface become candidates: for tests and calls within one machine.
  public var includesLoopback = false
  /// Our DTLS identity; nil makes one. One certificate may serve every connection of the process.
  public var certificate: Certificate?
  /// The canonical name of RTCP (RFC 3550 section 6.5.1); nil makes a random one (RFC 7022).
  public var cname: String?
  /// The largest UDP payload we send, in bytes, 576...1400; what is outside is taken for the nearer bound.
  public var mtu = 1200 {
    didSet { mtu = min(max(mtu, 576), 1400) }
  }
  /// Local UDP ports to take; nil lets the system choose.
  public var portRange: ClosedRange<UInt16>?
  /// The send rate to start from and the bounds it moves in, in bits a second.
  public var initialBitrate = 800_000
  public var minimumBitrate = 100_000
  public var maximumBitrate = 2_500_000

  public init() {}
}
