public import NIOCore

/// Counters since the start; rates are differences of two readings.
public struct MediaStatistics: Sendable, Equatable {
  public var roundTrip: TimeAmount?
  public var targetBitrate = 0
  public var senders: [Sender] = []
  public var receivers: [Receiver] = []

  public struct Sender: Sendable, Equatable {
    public var mid = ""
    public var isVideo = false
    public var ssrc = SSRC(0)
    public var framesSent = 0
    public var packetsSent = 0
    public var bytesSent = 0
    public var packetsRetransmitted = 0
    public var keyFramesRequested = 0
    /// Of the interval before the peer's last report, 0...1.
    public var fractionLost: Double = 0
    public var packetsLost = 0
    public init() {}
  }

  public struct Receiver: Sendable, Equatable {
    public var mid = ""
    public var isVideo = false
    public var ssrc: SSRC?
    public var packetsReceived = 0
    public var bytesReceived = 0
    /// Expected minus received; may be negative when duplicates came.
    public var packetsLost = 0
    public var packetsRecovered = 0
    public var duplicates = 0
    public var nacksSent = 0
    public var keyFramesRequested = 0
    public var framesReceived = 0
    public var framesDropped = 0
    /// RFC 3550 A.8, seconds.
    public var jitter: Double = 0
    /// What the playout buffer waits at present, seconds (video).
    public var playoutDelay: Double = 0
    public init() {}
  }

  public init() {}
}
