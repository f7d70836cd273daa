public import NIOCore
import NIOWebSocket

/// Writes WebSocket frames (RFC 6455, 5.2).
public enum WebSocketFrames {
  /// Payload bytes of one frame; longer messages are fragmented. What MDN's server takes at most.
  public static let maximumFrame = 64 << 10

  /// A message as the frames a server sends, to be written once and sent to many.
  public static func encode(_ message: WebSocketMessage) -> ByteBuffer { encode(message, maskedWith: nil) }

  /// - Parameter key: gives a new masking key for each frame; nil for none.
  static func encode(_ message: WebSocketMessage, maskedWith key: (() -> UInt32)?) -> ByteBuffer {
    var (opcode, payload) =
      switch message {
      case .text(let text): (WebSocketOpcode.text, text)
      case .binary(let data): (WebSocketOpcode.binary, data)
      }
    var frames = ByteBuffer()
    frames.reserveCapacity(payload.readableBytes + 14 * (payload.readableBytes / maximumFrame + 1))
    repeat {
      let size = min(payload.readableBytes, maximumFrame)
      guard let part = payload.readSlice(length: size) else { break }
      write(opcode, isLast: payload.readableBytes == 0, part, key: key?(), to: &frames)
      opcode = .continuation
    } while payload.readableBytes > 0
    return frames
  }

  /// A ping, pong or close frame.
  static func control(_ opcode: WebSocketOpcode, _ payload: ByteBuffer, maskedWith key: (() -> UInt32)?) -> ByteBuffer {
    var frame = ByteBuffer()
    write(opcode, isLast: true, payload, key: key?(), to: &frame)
    return frame
  }

  static func close(_ close: WebSocketClose, maskedWith key: (() -> UInt32)?) -> ByteBuffer {
    var payload = ByteBuffer()
    if let code = close.code {
      payload.writeInteger(code)
      var reason = Substring(close.reason)
      while reason.utf8.count > 123 { reason.removeLast() }
      payload.writeSubstring(reason)
    }
    return control(.connectionClose, payload, maskedWith: key)
  }

  private static func write(
    _ opcode: WebSocketOpcode, isLast: Bool, _ payload: ByteBuffer, key: UInt32?, to frames: inout ByteBuffer
  ) {
    let mask: UInt8 = key == nil ? 0 : 0x80
    let code = UInt8(webSocketOpcode: opcode)
    switch payload.readableBytes {
    case let size where size < 126:
      frames.writeMultipleIntegers(code | (isLast ? 0x80 : 0), mask | UInt8(size))
    case let size where size < 1 << 16:
      frames.writeMultipleIntegers(code | (isLast ? 0x80 : 0), mask | 126, UInt16(size))
    case let size:
      frames.writeMultipleIntegers(code | (isLast ? 0x80 : 0), mask | 127, UInt64(size))
    }
    if let key { frames.writeInteger(key) }
    let start = frames.readableBytes
    frames.writeImmutableBuffer(payload)
    if let key { applyMask(key, to: &frames, from: start, phase: 0) }
  }
}

/// Masks or unmasks (RFC 6455, 5.3) the readable bytes of a buffer from `start` on.
/// - Parameter phase: how many payload bytes of the frame came before them.
func applyMask(_ key: UInt32, to buffer: inout ByteBuffer, from start: Int, phase: Int) {
  let turned = key << UInt32(8 * (phase & 3)) | (phase & 3 == 0 ? 0 : key >> UInt32(32 - 8 * (phase & 3)))
  let wide = (UInt64(turned) << 32 | UInt64(turned)).bigEndian
  buffer.withUnsafeMutableReadableBytes { bytes in
    var index = start
    while index + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      bytes.storeBytes(of: word ^ wide, toByteOffset: index, as: UInt64.self)
      index += 8
    }
    var shift: UInt32 = 24
    while index < bytes.count {
      bytes[index] ^= UInt8(truncatingIfNeeded: turned >> shift)
      shift = shift == 0 ? 24 : shift - 8
      index += 1
    }
  }
}
