public import NIOCore

/// An RTP payload of Opus is one Opus packet as it is (RFC 7587 §4.2); all there is to know is how long it sounds.
public enum OpusPacket {
  /// Samples of 48 kHz in a packet: frame duration by the configuration number, times the number of frames
  /// (RFC 6716 §3.1, §3.2). `nil` for an empty packet or one longer than the 120 ms that may be.
  public static func samples(_ packet: ByteBuffer) -> Int? {
    guard let toc: UInt8 = packet.getInteger(at: packet.readerIndex) else { return nil }
    let configuration = Int(toc >> 3)
    let frame: Int
    switch configuration {
    case 0..<12: frame = [480, 960, 1920, 2880][configuration & 3]  // SILK: 10, 20, 40, 60 ms
    case 12..<16: frame = configuration & 1 == 0 ? 480 : 960  // hybrid: 10, 20 ms
    default: frame = 120 << (configuration & 3)  // CELT: 2.5, 5, 10, 20 ms
    }
    let count: Int
    switch toc & 3 {
    case 0: count = 1
    case 1, 2: count = 2
    default:
      guard let byte: UInt8 = packet.getInteger(at: packet.readerIndex + 1) else { return nil }
      count = Int(byte & 0x3F)
    }
    let samples = frame * count
    return (1...5760).contains(samples) ? samples : nil
  }
}
