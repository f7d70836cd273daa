internal import NIOCore

/// Cuts a TCP stream into the messages in it. It holds back at most one message that is not whole yet.
struct StreamDeframer {
  enum Framing {
    /// STUN messages and ChannelData, as they are (RFC 8656 sections 2.1 and 12.5).
    case turn
    /// Any datagram behind two bytes with its length (RFC 4571), as ICE-TCP has it.
    case lengthPrefix
  }

  /// Why a stream can't be read any further.
  enum Failure: Error {
    /// What comes is neither STUN nor ChannelData, so that nobody knows where it ends.
    case notTURN
  }

  let framing: Framing
  private var pending = ByteBuffer()

  init(_ framing: Framing) {
    self.framing = framing
  }

  mutating func append(_ bytes: ByteBuffer) {
    if pending.readableBytes == 0 {
      pending = bytes
    } else {
      pending.discardReadBytes()
      pending.writeImmutableBuffer(bytes)
    }
  }

  /// The next whole message, without RFC 4571's length and ChannelData's padding; nil: more has to come.
  /// - Throws: ``Failure``; nothing can be read any more then.
  mutating func next() throws(Failure) -> ByteBuffer? {
    guard let (header, length, padding) = try measure(), pending.readableBytes >= header + length + padding else {
      return nil
    }
    switch framing {
    case .lengthPrefix: pending.moveReaderIndex(forwardBy: header)
    case .turn: break
    }
    let message = pending.readSlice(length: framing == .turn ? header + length : length)
    pending.moveReaderIndex(forwardBy: padding)
    return message
  }

  /// How long the next message is: its header, what that counts, and the padding behind; nil: more has to come.
  private func measure() throws(Failure) -> (header: Int, length: Int, padding: Int)? {
    let start = pending.readerIndex
    switch framing {
    case .lengthPrefix:
      return pending.getInteger(at: start, as: UInt16.self).map { (2, Int($0), 0) }
    case .turn:
      guard let first = pending.getInteger(at: start, as: UInt8.self) else { return nil }
      let isChannelData = ChannelData.isChannelData(firstByte: first)
      guard first < 4 || isChannelData else { throw .notTURN }
      guard let length = pending.getInteger(at: start + 2, as: UInt16.self) else { return nil }
      if isChannelData { return (ChannelData.headerLength, Int(length), -Int(length) & 3) }
      if let cookie = pending.getInteger(at: start + 4, as: UInt32.self), cookie != STUNMessage.magicCookie {
        throw .notTURN
      }
      return (STUNMessage.headerLength, Int(length), 0)
    }
  }
}
