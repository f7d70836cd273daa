public import NIOCore

/// Figures of one direction of one kind of media, counted since the connection was made.
public struct StreamStatistics: Sendable, Hashable {
  /// RTP packets, retransmissions included.
  public var packets = 0
  /// Bytes of them, without SRTP, UDP and IP.
  public var bytes = 0
  /// Whole frames sent, or handed to the receiver (video), or packets (audio).
  public var frames = 0
  /// Frames given up for lost (receiving video).
  public var framesDropped = 0
  /// Packets lost: received streams as counted here, sent streams as the peer reports (RFC 3550 section 6.4.1).
  public var packetsLost = 0
  /// Share of packets lost in the interval of the peer's last report, 0...1 (sending).
  public var fractionLost = 0.0
  /// Interarrival jitter in seconds (receiving, RFC 3550 appendix A.8).
  public var jitter = 0.0
  /// How long pictures wait for their time at present, in seconds (receiving video).
  public var playoutDelay = 0.0
  /// Packets sent again (sending), or recovered through a retransmission (receiving).
  public var retransmissions = 0
  /// Packets we asked for again (receiving).
  public var nacks = 0
  /// Key frames asked for: by the peer (sending), or by us (receiving).
  public var keyFrameRequests = 0

  public init() {}
}

/// A snapshot of a peer connection.
public struct PeerConnectionStatistics: Sendable, Hashable {
  public var sentAudio = StreamStatistics()
  public var sentVideo = StreamStatistics()
  public var receivedAudio = StreamStatistics()
  public var receivedVideo = StreamStatistics()
  /// Round-trip time: from RTCP reports (RFC 3550 section 6.4.1), else from ICE checks.
  public var roundTripTime: TimeAmount?
  /// What the sender may use, in bits a second.
  public var targetBitrate = 0
  public var signalingState = SignalingState.stable
  public var iceGatheringState = ICEGatheringState.new
  public var iceConnectionState = ICEConnectionState.new
  public var connectionState = ConnectionState.new
  /// The selected pair as "host 192.0.2.1:5000 / srflx 198.51.100.7:6000"; empty before there is one.
  public var selectedPair = ""
  /// "DTLSv1.2" and the cipher suite; empty before the handshake is done.
  public var dtls = ""
  /// The SRTP protection profile; empty before the handshake is done.
  public var srtpProfile = ""
  /// SRTP and SRTCP packets that failed authentication.
  public var authenticationFailures = 0
  /// SRTP and SRTCP packets that came twice or too late.
  public var replayedPackets = 0
  /// Datagrams that belong to no protocol, no stream or no state we know, or could not be read.
  public var discardedDatagrams = 0
  /// Frames not sent since there was no connection or the event loop was far behind.
  public var framesDroppedUnsent = 0
  /// Datagrams of any kind and their bytes, both directions.
  public var datagramsSent = 0
  public var datagramsReceived = 0
  public var bytesSent = 0
  public var bytesReceived = 0

  public init() {}
}
