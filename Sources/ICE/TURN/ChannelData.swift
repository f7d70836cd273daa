internal import NIOCore

/// The short framing of relayed data on a channel (RFC 8656 section 12.4): number, length, data.
enum ChannelData {
  static let headerLength = 4
  /// What a client may bind (RFC 8656 section 12).
  static let numbers: ClosedRange<UInt16> = 0x4000...0x4FFF

  /// Whether a datagram begins as ChannelData does (RFC 7983 section 7).
  static func isChannelData(firstByte: UInt8) -> Bool {
    (64...79).contains(firstByte)
  }

  /// Takes the framing off; what follows the data is padding. The data stays where it is.
  /// - Returns: the channel's number; nil if the datagram is shorter than it says.
  static func unwrap(_ datagram: inout ByteBuffer) -> UInt16? {
    guard let (number, length) = datagram.readMultipleIntegers(as: (UInt16, UInt16).self),
      datagram.readableBytes >= Int(length)
    else { return nil }
    datagram.moveWriterIndex(to: datagram.readerIndex + Int(length))
    return number
  }
}

/// Buffers for frames, used over and over: when the driver has sent a frame its buffer is free again, and the next frame
/// written there allocates nothing.
struct FrameBuffers {
  private var buffers: [ByteBuffer] = []
  private var next = 0
  private let capacity: Int

  /// - Parameter capacity: how many frames may wait to be sent before new ones allocate.
  init(capacity: Int = 32) {
    self.capacity = capacity
  }

  /// A datagram behind a header.
  /// - Parameters:
  ///   - header: at most 4 bytes, written first.
  ///   - padding: zero bytes behind the datagram.
  mutating func frame(header: some FixedWidthInteger, _ datagram: ByteBuffer, padding: Int = 0) -> ByteBuffer {
    let length = 4 + datagram.readableBytes + padding
    if buffers.count < capacity {
      next = buffers.count
      buffers.append(ByteBufferAllocator().buffer(capacity: max(length, 1500)))
    } else {
      next = (next + 1) % capacity
      buffers[next].clear(minimumCapacity: length)
    }
    buffers[next].writeInteger(header)
    buffers[next].writeImmutableBuffer(datagram)
    buffers[next].writeRepeatingByte(0, count: padding)
    return buffers[next]
  }
}
