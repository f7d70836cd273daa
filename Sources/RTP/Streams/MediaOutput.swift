public import Frames
public import NIOCore

/// What ``MediaTransport`` gives out. Kept by the caller and emptied after use, so that its arrays are made once.
public struct MediaOutput: Sendable {
  /// RTP packets, unencrypted, in the order to send them in; each with room for SRTP to protect it in place.
  public var rtp: [ByteBuffer] = []
  /// RTCP packets, likewise with room for SRTCP.
  public var rtcp: [ByteBuffer] = []
  public var events: [MediaEvent] = []

  public init() {}

  /// Empties it and keeps the memory.
  public mutating func removeAll() {
    rtp.removeAll(keepingCapacity: true)
    rtcp.removeAll(keepingCapacity: true)
    events.removeAll(keepingCapacity: true)
  }
}

/// What happened on a transport.
public enum MediaEvent: Sendable {
  /// A picture is to be decoded and shown now; they come in decoding order. `time` is the exact playout time, and
  /// `timestamp` the RTP timestamp of the peer.
  case video(mid: String, EncodedVideoFrame)
  /// An Opus packet came; at once and in order of arrival, without duplicates.
  case audio(mid: String, ReceivedAudioPacket)
  /// The peer cannot go on without a key frame of the video we send. Given a few times a second at most.
  case keyFrameRequested(mid: String)
  /// What all our streams together may send, in bits a second: once at the start, then when it has changed by 2 %.
  case targetBitrate(Int)
  /// The peer said goodbye to the stream of this mid (RTCP BYE).
  case ended(mid: String)
}
