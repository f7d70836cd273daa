public import ICE

/// How a peer connection is made (`RTCConfiguration`, and what a page cannot choose).
public struct PeerConnectionConfiguration: Sendable {
  /// STUN and TURN servers.
  public var iceServers: [ICEServer] = []
  /// Which candidates may be used.
  public var iceTransportPolicy = ICETransportPolicy.all
  /// Whether the peer is told random `.local` names in place of our host addresses; only someone on the same link can
  /// find out what they stand for (draft-ietf-mmusic-mdns-ice-candidates).
  public var hidesAddresses = false
  /// The interfaces to use, by the system's names (`eth0`); empty: all.
  public var interfaces: Set<String> = []
  /// Whether addresses of the loopback interface become candidates: for tests and calls within one machine.
  public var includesLoopback = false
  /// Whether host candidates over TCP (RFC 6544) are offered, too, for networks that let no UDP through.
  public var usesTCP = true
  /// A PEM file with certificates of authorities that `stuns:` and `turns:` servers may be certified by, beside those
  /// that the system trusts.
  public var tlsRoots: String?
  /// Our DTLS identity; nil makes one. One certificate may serve every connection of the process.
  public var certificate: Certificate?
  /// The canonical name of RTCP (RFC 3550 section 6.5.1); nil makes a random one (RFC 7022).
  public var cname: String?
  /// The largest UDP payload we send, in bytes, 576...1400; what is outside is taken for the nearer bound.
  public var mtu = 1200 {
    didSet { mtu = min(max(mtu, 576), 1400) }
  }
  /// Local ports to take, for UDP sockets and TCP listeners; nil lets the system choose.
  public var portRange: ClosedRange<UInt16>?
  /// The send rate to start from and the bounds it moves in, in bits a second.
  public var initialBitrate = 800_000
  public var minimumBitrate = 100_000
  public var maximumBitrate = 2_500_000

  public init() {}
}

/// Which candidates ICE may use (`RTCIceTransportPolicy`).
public enum ICETransportPolicy: String, Sendable, Hashable {
  case all
  /// Relayed ones only: the peer learns no address of ours.
  case relay
}
