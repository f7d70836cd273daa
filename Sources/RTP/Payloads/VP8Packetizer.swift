public import NIOCore

/// Cuts VP8 frames into payloads of nearly equal size (RFC 7741 §4.4), each with the four bytes of a payload descriptor
/// that carries a 15-bit PictureID. The pieces share the frame's bytes.
public struct VP8Packetizer: Sendable {
  /// One payload: the descriptor, then a part of the frame.
  public struct Fragment: Sendable {
    /// The payload descriptor, most significant byte first.
    public var descriptor: UInt32
    public var bytes: ByteBuffer
    public var isLast: Bool

    /// Length of the payload in bytes.
    public var length: Int { VP8Packetizer.descriptorLength + bytes.readableBytes }
  }

  /// Bytes of the descriptor.
  public static let descriptorLength = 4
  /// Of the next frame, 0...32767.
  private(set) var pictureID: UInt16

  public init(pictureID: UInt16) {
    self.pictureID = pictureID & 0x7FFF
  }

  /// Gives the fragments of a frame in order; none for an empty frame.
  /// - Parameter maximumPayload: largest payload in bytes, descriptor included; more than ``descriptorLength``.
  public mutating func packetize(_ frame: ByteBuffer, maximumPayload: Int, _ body: (Fragment) -> Void) {
    let total = frame.readableBytes
    guard total > 0 else { return }
    let most = max(1, maximumPayload - Self.descriptorLength)
    let count = (total + most - 1) / most
    var index = frame.readerIndex
    for part in 0..<count {
      let length = total * (part + 1) / count - total * part / count
      guard let bytes = frame.getSlice(at: index, length: length) else { return }
      index += length
      // X, and S on the first; then I alone; then M and the 15 bits.
      let first: UInt32 = part == 0 ? 0x90 : 0x80
      let descriptor = first << 24 | 0x80 << 16 | 0x8000 | UInt32(pictureID)
      body(Fragment(descriptor: descriptor, bytes: bytes, isLast: part == count - 1))
    }
    pictureID = (pictureID + 1) & 0x7FFF
  }
}
