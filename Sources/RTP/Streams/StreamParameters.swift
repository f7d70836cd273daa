public import NIOCore

/// Clock rates of the two formats we carry, in ticks a second.
public enum ClockRate {
  /// VP8 (RFC 7741 §4.1).
  public static let video = 90_000
  /// Opus (RFC 7587 §4.1), whatever the sound's own rate.
  public static let audio = 48_000
}

/// What a VP8 stream of ours needs to know from the session description.
public struct VideoSendParameters: Sendable, Equatable {
  public var mid: String
  public var ssrc: SSRC
  public var payloadType: PayloadType
  /// The repair stream (RFC 4588); `nil` when RTX was not negotiated: lost packets are then sent again as they were.
  public var retransmission: Retransmission?
  public var extensions: HeaderExtensionMap
  /// Largest RTP packet in bytes before SRTP, 576...1400.
  public var maximumPacketSize = 1200

  /// An RTX stream: its own source and payload type.
  public struct Retransmission: Sendable, Equatable {
    public var ssrc: SSRC
    public var payloadType: PayloadType

    public init(ssrc: SSRC, payloadType: PayloadType) {
      self.ssrc = ssrc
      self.payloadType = payloadType
    }
  }

  public init(
    mid: String, ssrc: SSRC, payloadType: PayloadType, retransmission: Retransmission?, extensions: HeaderExtensionMap
  ) {
    self.mid = mid
    self.ssrc = ssrc
    self.payloadType = payloadType
    self.retransmission = retransmission
    self.extensions = extensions
  }
}

/// What an Opus stream of ours needs to know from the session description.
public struct AudioSendParameters: Sendable, Equatable {
  public var mid: String
  public var ssrc: SSRC
  public var payloadType: PayloadType
  public var extensions: HeaderExtensionMap

  public init(mid: String, ssrc: SSRC, payloadType: PayloadType, extensions: HeaderExtensionMap) {
    self.mid = mid
    self.ssrc = ssrc
    self.payloadType = payloadType
    self.extensions = extensions
  }
}

/// What a VP8 stream of the peer's needs to know from the session description.
public struct VideoReceiveParameters: Sendable, Equatable {
  public var mid: String
  /// Payload types that carry VP8.
  public var payloadTypes: [PayloadType]
  /// RTX payload type to the VP8 payload type it repairs (`apt`).
  public var retransmissionTypes: [PayloadType: PayloadType]
  /// As the description signals them (`a=ssrc`), or `nil` to learn them from the packets' mid or payload type.
  public var ssrc: SSRC?
  public var retransmissionSSRC: SSRC?
  /// The extension identifiers the peer may use in its packets.
  public var extensions: HeaderExtensionMap
  /// Whether generic NACKs were negotiated.
  public var usesNACK = true
  /// Whether PLI was negotiated; FIR is used otherwise.
  public var usesPLI = true

  public init(
    mid: String, payloadTypes: [PayloadType], retransmissionTypes: [PayloadType: PayloadType], ssrc: SSRC? = nil,
    retransmissionSSRC: SSRC? = nil, extensions: HeaderExtensionMap
  ) {
    self.mid = mid
    self.payloadTypes = payloadTypes
    self.retransmissionTypes = retransmissionTypes
    self.ssrc = ssrc
    self.retransmissionSSRC = retransmissionSSRC
    self.extensions = extensions
  }
}

/// What an Opus stream of the peer's needs to know from the session description.
public struct AudioReceiveParameters: Sendable, Equatable {
  public var mid: String
  /// Payload types that carry Opus.
  public var payloadTypes: [PayloadType]
  /// As the description signals it (`a=ssrc`), or `nil` to learn it from the packets' mid or payload type.
  public var ssrc: SSRC?
  /// The extension identifiers the peer may use in its packets.
  public var extensions: HeaderExtensionMap

  public init(mid: String, payloadTypes: [PayloadType], ssrc: SSRC? = nil, extensions: HeaderExtensionMap) {
    self.mid = mid
    self.payloadTypes = payloadTypes
    self.ssrc = ssrc
    self.extensions = extensions
  }
}

/// An Opus packet as it came, for the ``AudioJitterBuffer`` of the audio thread.
public struct ReceivedAudioPacket: Sendable {
  /// Another one means another stream: its numbers have nothing to do with those before.
  public var ssrc: SSRC
  public var sequenceNumber: SequenceNumber
  public var timestamp: RTPTimestamp
  /// Opus (RFC 6716); may be empty.
  public var payload: ByteBuffer
  /// When it came.
  public var arrival: NIODeadline
  /// Loudness as of RFC 6464 (0 loudest, 127 silence), when the packet says it.
  public var level: UInt8?
  /// By how much the jitter buffer is to delay the sound beyond what jitter asks for, so that it waits for the picture.
  public var lipSyncDelay: TimeAmount

  public init(
    ssrc: SSRC, sequenceNumber: SequenceNumber, timestamp: RTPTimestamp, payload: ByteBuffer, arrival: NIODeadline,
    level: UInt8? = nil, lipSyncDelay: TimeAmount = .zero
  ) {
    self.ssrc = ssrc
    self.sequenceNumber = sequenceNumber
    self.timestamp = timestamp
    self.payload = payload
    self.arrival = arrival
    self.level = level
    self.lipSyncDelay = lipSyncDelay
  }
}
