import NIOCore
import NIOWebSocket

/// The reading half of a WebSocket connection (RFC 6455) as a state machine: bytes in, events out.
///
/// It says no as early as it can: at the header of a frame that must not be, at the first byte that cannot be UTF-8. After
/// a close or a violation nothing more is read.
struct WebSocketSession {
  enum Event: Equatable {
    case message(WebSocketMessage)
    /// To be answered with a pong of the same payload.
    case ping(ByteBuffer)
    case pong
    /// The peer's close frame.
    case close(WebSocketClose)
    /// The peer broke the protocol or a limit: to be told this, and left.
    case violation(WebSocketClose)
  }

  private let role: WebSocketRole
  private let limits: WebSocketLimits
  private var unread = ByteBuffer()
  private var isFinished = false
  /// The frame whose payload is being read.
  private var frame: Header?
  /// The message that is being put together.
  private var message: (opcode: WebSocketOpcode, payload: ByteBuffer, utf8: UTF8Validator)?
  /// Payload of the control frame that is being read.
  private var control = ByteBuffer()

  private struct Header {
    var isLast: Bool
    var opcode: WebSocketOpcode
    var length: Int
    var key: UInt32?
    /// Payload bytes read so far.
    var read = 0
  }

  /// - Parameter role: which end we are.
  init(role: WebSocketRole, limits: WebSocketLimits) {
    self.role = role
    self.limits = limits
  }

  /// Takes bytes from the peer. Call ``next()`` until it gives nil.
  mutating func receive(_ bytes: ByteBuffer) {
    guard !isFinished else { return }
    if unread.readableBytes == 0 { unread = bytes } else { unread.writeImmutableBuffer(bytes) }
  }

  /// The next event; nil when more bytes are needed for one.
  mutating func next() -> Event? {
    while !isFinished {
      do {
        if frame == nil { frame = try header() }
        guard frame != nil else { return nil }
        let (event, isWhole) = try payload()
        if isWhole { frame = nil }
        if case .close = event { finish() }
        if let event { return event }
        if !isWhole {
          unread = ByteBuffer()
          return nil
        }
      } catch {
        finish()
        return .violation(error)
      }
    }
    return nil
  }

  private mutating func finish() {
    isFinished = true
    unread = ByteBuffer()
    message = nil
  }

  // MARK: - Header

  /// Reads a frame header; nil if it is not all there yet.
  private mutating func header() throws(WebSocketClose) -> Header? {
    guard let first = unread.getInteger(at: unread.readerIndex, as: UInt8.self) else { return nil }
    let opcode = try opcode(of: first)
    let isLast = first & 0x80 != 0
    guard let second = unread.getInteger(at: unread.readerIndex + 1, as: UInt8.self) else { return nil }
    guard (second & 0x80 != 0) == (role == .server) else {
      throw .violation(role == .server ? "frames of clients are masked" : "frames of servers are not masked")
    }
    let short = Int(second & 0x7f)
    if opcode.isControlOpcode, !isLast || short > 125 { throw .violation("control frame too long or fragmented") }
    let lengthSize = short == 126 ? 2 : short == 127 ? 8 : 0
    let keySize = role == .server ? 4 : 0
    guard unread.readableBytes >= 2 + lengthSize + keySize else { return nil }
    unread.moveReaderIndex(forwardBy: 2)
    let length = try length(short)
    let key = role == .server ? unread.readInteger(as: UInt32.self) : nil
    if !opcode.isControlOpcode { try beginFragment(opcode, length: length) }
    return Header(isLast: isLast, opcode: opcode, length: length, key: key)
  }

  private func opcode(of first: UInt8) throws(WebSocketClose) -> WebSocketOpcode {
    guard first & 0x70 == 0 else { throw .violation("reserved bit set") }
    guard let opcode = WebSocketOpcode(encodedWebSocketOpcode: first & 0x0f) else { throw .violation("unknown opcode") }
    switch opcode {
    case .text, .binary:
      guard message == nil else { throw .violation("new message inside a fragmented one") }
    case .continuation:
      guard message != nil else { throw .violation("continuation of nothing") }
    case .ping, .pong, .connectionClose:
      break
    default:
      throw .violation("unknown opcode")
    }
    return opcode
  }

  /// The payload length, which must be in its shortest form (RFC 6455, 5.2).
  private mutating func length(_ short: Int) throws(WebSocketClose) -> Int {
    let length: UInt64
    switch short {
    case 126:
      length = UInt64(unread.readInteger(as: UInt16.self) ?? 0)
      guard length > 125 else { throw .violation("length not in its shortest form") }
    case 127:
      length = unread.readInteger(as: UInt64.self) ?? 0
      guard length > 0xffff, length >> 63 == 0 else { throw .violation("length not in its shortest form") }
    default:
      length = UInt64(short)
    }
    guard length <= UInt64(limits.maximumFrame) else {
      throw WebSocketClose(code: WebSocketClose.tooLarge, reason: "frame over \(limits.maximumFrame) bytes")
    }
    return Int(length)
  }

  private mutating func beginFragment(_ opcode: WebSocketOpcode, length: Int) throws(WebSocketClose) {
    guard (message?.payload.readableBytes ?? 0) + length <= limits.maximumMessage else {
      throw WebSocketClose(code: WebSocketClose.tooLarge, reason: "message over \(limits.maximumMessage) bytes")
    }
    if message == nil { message = (opcode, ByteBuffer(), UTF8Validator()) }
  }

  // MARK: - Payload

  /// Reads what is there of the payload.
  /// - Returns: what the frame amounts to, if anything, and whether all of it is read.
  private mutating func payload() throws(WebSocketClose) -> (Event?, isWhole: Bool) {
    guard var current = frame else { return (nil, false) }
    let size = min(current.length - current.read, unread.readableBytes)
    guard let part = unread.readSlice(length: size) else { return (nil, false) }
    let phase = current.read
    current.read += size
    frame = current
    let isWhole = current.read == current.length
    if current.opcode.isControlOpcode {
      append(part, to: &control, key: current.key, phase: phase)
      return (isWhole ? try endControl(current.opcode) : nil, isWhole)
    }
    try append(part, key: current.key, phase: phase)
    return (isWhole && current.isLast ? try endMessage() : nil, isWhole)
  }

  private func append(_ part: ByteBuffer, to buffer: inout ByteBuffer, key: UInt32?, phase: Int) {
    let start = buffer.readableBytes
    buffer.writeImmutableBuffer(part)
    if let key { applyMask(key, to: &buffer, from: start, phase: phase) }
  }

  private mutating func append(_ part: ByteBuffer, key: UInt32?, phase: Int) throws(WebSocketClose) {
    guard let opcode = message?.opcode, var payload = message?.payload, var utf8 = message?.utf8 else { return }
    message = nil  // so that the payload is not shared and grows in place
    let start = payload.readableBytes
    append(part, to: &payload, key: key, phase: phase)
    if opcode == .text {
      let isValid = payload.withUnsafeReadableBytes { utf8.consume(UnsafeRawBufferPointer(rebasing: $0[start...])) }
      guard isValid else { throw .invalidUTF8 }
    }
    message = (opcode, payload, utf8)
  }

  private mutating func endMessage() throws(WebSocketClose) -> Event? {
    guard let (opcode, payload, utf8) = message else { return nil }
    message = nil
    guard opcode == .text else { return .message(.binary(payload)) }
    guard utf8.isComplete else { throw .invalidUTF8 }
    return .message(.text(payload))
  }

  private mutating func endControl(_ opcode: WebSocketOpcode) throws(WebSocketClose) -> Event {
    var payload = control
    control = ByteBuffer()
    switch opcode {
    case .ping: return .ping(payload)
    case .pong: return .pong
    default: break
    }
    guard payload.readableBytes > 0 else { return .close(WebSocketClose(code: nil)) }
    guard let code = payload.readInteger(as: UInt16.self), WebSocketClose.isValid(code) else {
      throw .violation("invalid close code")
    }
    var utf8 = UTF8Validator()
    guard payload.withUnsafeReadableBytes({ utf8.consume($0) }), utf8.isComplete else { throw .invalidUTF8 }
    return .close(WebSocketClose(code: code, reason: String(buffer: payload)))
  }
}

extension WebSocketClose {
  fileprivate static func violation(_ reason: String) -> WebSocketClose {
    WebSocketClose(code: protocolError, reason: reason)
  }

  fileprivate static var invalidUTF8: WebSocketClose { WebSocketClose(code: invalidData, reason: "not UTF-8") }
}
