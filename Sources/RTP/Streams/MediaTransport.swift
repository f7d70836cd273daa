public import Frames
public import NIOCore

// SIGNATURES FIRST: bodies are being written (this line goes away with them).

/// What ``MediaTransport`` gives out. Kept by the caller and emptied after use, so that nothing is allocated per packet.
public struct MediaOutput: Sendable {
  /// RTP packets, unencrypted, in the order to send them in; each with room for SRTP to protect it in place.
  public var rtp: [ByteBuffer] = []
  /// RTCP packets, likewise with room for SRTCP.
  public var rtcp: [ByteBuffer] = []
  public var events: [MediaEvent] = []

  public init() {}
  /// Empties it and keeps the memory.
  public mutating func removeAll() {}
}

/// What happened on a transport.
public enum MediaEvent: Sendable {
  /// A picture is to be decoded and shown now; they come in decode order. `time` is the exact playout time.
  case video(mid: String, EncodedVideoFrame)
  /// An Opus packet came; at once and in order of arrival, without duplicates.
  case audio(mid: String, ReceivedAudioPacket)
  /// The peer cannot go on without a key frame of the video we send.
  case keyFrameRequested(mid: String)
  /// What all our streams together may send, in bits a second; given when it changed by more than a little.
  case targetBitrate(Int)
  /// The peer said goodbye to the stream of this mid (RTCP BYE).
  case ended(mid: String)
}

/// Everything RTP of one BUNDLE transport: the streams in both directions, retransmission, reports, congestion feedback,
/// pacing, lip sync. Packets (decrypted) and times go in; packets (unencrypted), events and the next deadline come out.
/// Belongs to one thread or event loop. Order of calls: after any call, `poll`; then again at `nextDeadline`.
public final class MediaTransport {
  public struct Configuration: Sendable {
    /// Our canonical name (RFC 3550 §6.5.1, RFC 7022): random, the same for all streams of a connection.
    public var cname: String
    /// Whether feedback may come without a report before it (`a=rtcp-rsize`, RFC 5506).
    public var usesReducedSizeRTCP = true
    /// Bounds and start of the send rate in bits a second, all streams together.
    public var minimumBitrate = 100_000
    public var startBitrate = 800_000
    public var maximumBitrate = 2_500_000
    /// For sequence numbers, timestamp offsets and report intervals: take it from the system's random source.
    public var seed: UInt64

    public init(cname: String, seed: UInt64) {
      self.cname = cname
      self.seed = seed
    }
  }

  public init(_ configuration: Configuration, now: NIODeadline) {}

  // Streams. One sender and one receiver per mid; setting equal parameters again changes nothing, other parameters replace
  // the stream (when the SSRC changed) or update it (payload types, extensions), `nil` removes it (with an RTCP BYE for a
  // sender).
  public func setVideoSender(mid: String, _ parameters: VideoSendParameters?, now: NIODeadline) {}
  public func setAudioSender(mid: String, _ parameters: AudioSendParameters?, now: NIODeadline) {}
  public func setVideoReceiver(mid: String, _ parameters: VideoReceiveParameters?, now: NIODeadline) {}
  public func setAudioReceiver(mid: String, _ parameters: AudioReceiveParameters?, now: NIODeadline) {}

  /// Sends a frame on the video sender of that mid; ignored when there is none.
  public func send(video frame: EncodedVideoFrame, mid: String, now: NIODeadline) {}
  public func send(audio frame: EncodedAudioFrame, mid: String, now: NIODeadline) {}

  /// Takes a decrypted RTP packet.
  public func receiveRTP(_ datagram: ByteBuffer, now: NIODeadline) throws(RTPError) {}
  /// Takes a decrypted RTCP packet, compound or reduced-size.
  public func receiveRTCP(_ datagram: ByteBuffer, now: NIODeadline) throws(RTPError) {}

  /// Asks the peer for a key frame (a decoder of ours failed).
  public func requestKeyFrame(mid: String, now: NIODeadline) {}
  /// The audio thread's word that the sample of this RTP timestamp is heard at this time; drives lip sync.
  public func reportAudioPlayout(mid: String, timestamp: RTPTimestamp, at time: NIODeadline) {}

  /// Sends goodbye on every stream with the next poll.
  public func close(now: NIODeadline) {}

  /// Appends everything that is due to `output`.
  public func poll(now: NIODeadline, into output: inout MediaOutput) {}
  /// When `poll` is to be called next at the latest; `nil` when nothing is under way.
  public var nextDeadline: NIODeadline? { nil }

  public func statistics(now: NIODeadline) -> MediaStatistics { MediaStatistics() }
}

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
