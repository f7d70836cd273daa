public import NIOCore

/// What stands before the VP8 bytes in each packet (RFC 7741 §4.2).
public struct VP8PayloadDescriptor: Sendable, Equatable {
  /// Whether no other frame refers to this one.
  public var isNonReference = false
  /// Whether a partition starts in this packet.
  public var startsPartition = false
  /// Which partition, 0...7. The frame starts where partition 0 does.
  public var partition: UInt8 = 0
  /// Counts frames, in 7 or 15 bits.
  public var pictureID: UInt16?
  public var usesLongPictureID = true
  /// Counts frames of the lowest temporal layer.
  public var temporalLayerZeroIndex: UInt8?
  /// Temporal layer, 0...3.
  public var temporalLayer: UInt8?
  /// Whether the frame refers to the lowest layer only.
  public var isLayerSync = false
  /// Counts key frames, 0...31.
  public var keyIndex: UInt8?

  public init() {}

  /// Whether a frame starts in this packet.
  public var startsFrame: Bool { startsPartition && partition == 0 }

  /// Reads the descriptor off the front of an RTP payload, which then holds VP8 only.
  /// - Throws: ``RTPError/truncated(_:)`` when it does not end within the payload, or nothing follows it.
  public init(reading payload: inout ByteBuffer) throws(RTPError) {
    func next() throws(RTPError) -> UInt8 {
      guard let byte: UInt8 = payload.readInteger() else { throw .truncated("VP8 payload descriptor") }
      return byte
    }
    let first = try next()
    isNonReference = first & 0x20 != 0
    startsPartition = first & 0x10 != 0
    partition = first & 0x07
    if first & 0x80 != 0 {
      let present = try next()
      if present & 0x80 != 0 {
        let high = try next()
        usesLongPictureID = high & 0x80 != 0
        pictureID = usesLongPictureID ? UInt16(high & 0x7F) << 8 | UInt16(try next()) : UInt16(high)
      }
      if present & 0x40 != 0 { temporalLayerZeroIndex = try next() }
      if present & 0x30 != 0 {
        let layers = try next()
        if present & 0x20 != 0 {
          temporalLayer = layers >> 6
          isLayerSync = layers & 0x20 != 0
        }
        if present & 0x10 != 0 { keyIndex = layers & 0x1F }
      }
    }
    guard payload.readableBytes > 0 else { throw .truncated("VP8 payload") }
  }
}

/// The codec's own header (RFC 6386 §9.1), as far as a transport has to know it.
public enum VP8FrameHeader {
  /// Whether these are the first bytes of a key frame: the lowest bit of the first byte is 0.
  public static func isKeyFrame(_ frame: ByteBuffer) -> Bool {
    guard let first: UInt8 = frame.getInteger(at: frame.readerIndex) else { return false }
    return first & 1 == 0
  }
}
