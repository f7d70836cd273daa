public import NIOCore

/// An RTP packet on its way out, not yet encrypted. Its buffer is referred to from nowhere else and has
/// ``trailingRoom`` bytes to spare, so that SRTP can protect it in place.
public struct OutgoingPacket: Sendable {
  /// In order of the pacer's preference.
  public enum Kind: Sendable, Equatable { case audio, retransmission, video }

  public var bytes: ByteBuffer
  public var kind: Kind
  /// Where the value of the transport-wide sequence number is to be written when the packet leaves, counted from the
  /// first byte of the packet; `nil` when it has none.
  var transportSequenceOffset: Int?
  /// The same for the absolute send time.
  var absoluteSendTimeOffset: Int?

  /// Spare bytes behind every packet given out, RTP and RTCP: enough for SRTCP's index and any authentication tag.
  public static let trailingRoom = 32

  /// Writes what is known only at the moment of sending.
  mutating func stamp(transportSequence: UInt16, now: NIODeadline) {
    if let transportSequenceOffset {
      bytes.setInteger(transportSequence, at: bytes.readerIndex + transportSequenceOffset)
    }
    if let absoluteSendTimeOffset {
      let time = AbsoluteSendTime.value(at: now)
      bytes.setInteger(UInt8(truncatingIfNeeded: time >> 16), at: bytes.readerIndex + absoluteSendTimeOffset)
      bytes.setInteger(UInt16(truncatingIfNeeded: time), at: bytes.readerIndex + absoluteSendTimeOffset + 1)
    }
  }
}

enum AbsoluteSendTime {
  /// Seconds in 6.18 fixed point, modulo 64 s.
  static func value(at time: NIODeadline) -> UInt32 {
    let nanoseconds = time.uptimeNanoseconds % 64_000_000_000
    return UInt32(truncatingIfNeeded: (nanoseconds << 18) / 1_000_000_000) & 0xFF_FFFF
  }
}

/// Writes the headers of one stream. The extensions are laid out once; a packet costs a copy of them.
struct HeaderWriter: Sendable {
  let ssrc: SSRC
  let payloadType: PayloadType
  private let extensionBytes: [UInt8]
  let transportSequenceOffset: Int?
  let absoluteSendTimeOffset: Int?
  private let audioLevelOffset: Int?

  /// Length of every header of this stream in bytes.
  var length: Int { RTPPacket.fixedHeaderLength + extensionBytes.count }

  /// - Parameter extensions: which to write; those without a value to write (a mid that is `nil`) are left out.
  init(ssrc: SSRC, payloadType: PayloadType, mid: String?, extensions: HeaderExtensionMap) {
    self.ssrc = ssrc
    self.payloadType = payloadType
    var elements: [(id: UInt8, value: [UInt8])] = []
    if let id = extensions.mid, let mid, (1...255).contains(mid.utf8.count) { elements.append((id, Array(mid.utf8))) }
    if let id = extensions.audioLevel { elements.append((id, [0])) }
    if let id = extensions.transportSequence { elements.append((id, [0, 0])) }
    if let id = extensions.absoluteSendTime { elements.append((id, [0, 0, 0])) }
    let isOneByte = elements.allSatisfy { $0.id < 15 && $0.value.count <= 16 }

    var bytes: [UInt8] = []
    var offsets: [UInt8: Int] = [:]
    for (id, value) in elements {
      bytes += isOneByte ? [id << 4 | UInt8(value.count - 1)] : [id, UInt8(value.count)]
      // 4 bytes of profile and length come first.
      offsets[id] = RTPPacket.fixedHeaderLength + 4 + bytes.count
      bytes += value
    }
    bytes += [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
    let profile = isOneByte ? HeaderExtensionBlock.oneByteProfile : HeaderExtensionBlock.twoByteProfile
    let words = bytes.count / 4
    let head = [UInt8(profile >> 8), UInt8(profile & 0xFF), UInt8(words >> 8), UInt8(words & 0xFF)]
    extensionBytes = bytes.isEmpty ? [] : head + bytes
    transportSequenceOffset = extensions.transportSequence.flatMap { offsets[$0] }
    absoluteSendTimeOffset = extensions.absoluteSendTime.flatMap { offsets[$0] }
    audioLevelOffset = extensions.audioLevel.flatMap { offsets[$0] }
  }

  /// A new packet that holds its header and has room for `payloadLength` bytes and SRTP's tag.
  func begin(
    kind: OutgoingPacket.Kind, isMarked: Bool, sequence: SequenceNumber, timestamp: RTPTimestamp,
    audioLevel: UInt8 = 127, payloadLength: Int
  ) -> OutgoingPacket {
    var bytes = ByteBufferAllocator().buffer(capacity: length + payloadLength + OutgoingPacket.trailingRoom)
    let first: UInt8 = extensionBytes.isEmpty ? 0x80 : 0x90
    bytes.writeMultipleIntegers(
      first, (isMarked ? 0x80 : 0) | payloadType.rawValue, sequence.rawValue, timestamp.rawValue, ssrc.rawValue)
    bytes.writeBytes(extensionBytes)
    if let audioLevelOffset { bytes.setInteger(audioLevel & 0x7F, at: audioLevelOffset) }
    return OutgoingPacket(
      bytes: bytes, kind: kind, transportSequenceOffset: transportSequenceOffset,
      absoluteSendTimeOffset: absoluteSendTimeOffset)
  }
}
