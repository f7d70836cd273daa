public import NIOCore

/// One picture as the video encoder made it or the decoder takes it: a whole VP8 frame (RFC 6386).
public struct EncodedVideoFrame: Sendable {
  /// The codec's bytes.
  public var payload: ByteBuffer
  /// Whether it decodes without any frame before it.
  public var isKeyFrame: Bool
  /// The RTP timestamp of the picture in units of 1/90000 s; wraps around.
  public var timestamp: UInt32
  /// When the picture was captured (sending), or is to be shown (receiving).
  public var time: NIODeadline

  public init(payload: ByteBuffer, isKeyFrame: Bool, timestamp: UInt32, time: NIODeadline) {
    self.payload = payload
    self.isKeyFrame = isKeyFrame
    self.timestamp = timestamp
    self.time = time
  }
}

/// One Opus packet (RFC 6716).
public struct EncodedAudioFrame: Sendable {
  /// The codec's bytes.
  public var payload: ByteBuffer
  /// The RTP timestamp of the first sample in units of 1/48000 s; wraps around.
  public var timestamp: UInt32
  /// Loudness as of RFC 6464: 0 is the loudest, 127 silence, in -dBov.
  public var level: UInt8
  /// When the first sample was captured.
  public var time: NIODeadline

  public init(payload: ByteBuffer, timestamp: UInt32, level: UInt8, time: NIODeadline) {
    self.payload = payload
    self.timestamp = timestamp
    self.level = level
    self.time = time
  }
}
