/// One packet of an RTCP compound (RFC 3550 §6, RFC 4585, RFC 5104).
public enum RTCPPacket: Sendable, Equatable {
  case senderReport(SenderReport)
  case receiverReport(ReceiverReport)
  /// The canonical names of sources.
  case sourceDescription([CanonicalName])
  /// These sources have left.
  case goodbye([SSRC])
  case nack(GenericNACK)
  case transportFeedback(TransportFeedback)
  case pictureLoss(PictureLossIndication)
  case fullIntraRequest(FullIntraRequest)
  case receiverEstimatedMaximumBitrate(ReceiverEstimatedMaximumBitrate)
  /// Of a type or format we do not know; passed over.
  case unknown(type: UInt8, format: UInt8)
}

/// What a sender says about its clock and counts, and hears from others (RFC 3550 §6.4.1).
public struct SenderReport: Sendable, Equatable {
  public var ssrc: SSRC
  /// When it was made, by the sender's clock, and the RTP timestamp of that moment.
  public var time: NTPTime
  public var timestamp: RTPTimestamp
  public var packetCount: UInt32
  /// Payload bytes.
  public var octetCount: UInt32
  /// 31 at most.
  public var blocks: [ReportBlock]

  public init(
    ssrc: SSRC, time: NTPTime, timestamp: RTPTimestamp, packetCount: UInt32, octetCount: UInt32,
    blocks: [ReportBlock] = []
  ) {
    self.ssrc = ssrc
    self.time = time
    self.timestamp = timestamp
    self.packetCount = packetCount
    self.octetCount = octetCount
    self.blocks = blocks
  }
}

/// A report of one that sends nothing (RFC 3550 §6.4.2).
public struct ReceiverReport: Sendable, Equatable {
  public var ssrc: SSRC
  /// 31 at most.
  public var blocks: [ReportBlock]

  public init(ssrc: SSRC, blocks: [ReportBlock] = []) {
    self.ssrc = ssrc
    self.blocks = blocks
  }
}

/// How one source is being received (RFC 3550 §6.4.1).
public struct ReportBlock: Sendable, Equatable {
  public var ssrc: SSRC
  /// Lost since the last report, in 1/256 of those expected.
  public var fractionLost: UInt8
  /// Expected minus received since the start, -2^23...2^23-1.
  public var packetsLost: Int32
  /// The highest sequence number received, with the count of wraps in the upper half.
  public var highestSequence: UInt32
  /// Interarrival jitter in ticks of the stream's clock.
  public var jitter: UInt32
  /// Middle bits of the last sender report's NTP time, 0 when there was none.
  public var lastSenderReport: UInt32
  /// Since that report came, in 1/65536 s.
  public var delaySinceLastSenderReport: UInt32

  public init(
    ssrc: SSRC, fractionLost: UInt8, packetsLost: Int32, highestSequence: UInt32, jitter: UInt32,
    lastSenderReport: UInt32, delaySinceLastSenderReport: UInt32
  ) {
    self.ssrc = ssrc
    self.fractionLost = fractionLost
    self.packetsLost = packetsLost
    self.highestSequence = highestSequence
    self.jitter = jitter
    self.lastSenderReport = lastSenderReport
    self.delaySinceLastSenderReport = delaySinceLastSenderReport
  }
}

/// SDES CNAME of one source (RFC 3550 §6.5.1).
public struct CanonicalName: Sendable, Equatable {
  public var ssrc: SSRC
  /// 255 bytes at most; empty when the chunk held none.
  public var name: String

  public init(ssrc: SSRC, name: String) {
    self.ssrc = ssrc
    self.name = name
  }
}

/// These packets are missing (RFC 4585 §6.2.1).
public struct GenericNACK: Sendable, Equatable {
  public var sender: SSRC
  public var media: SSRC
  /// In ascending order as sent; a packet holds ``maximumSequences`` at most.
  public var sequences: [SequenceNumber]

  /// Most sequence numbers taken from or put into one NACK.
  public static let maximumSequences = 1024

  public init(sender: SSRC, media: SSRC, sequences: [SequenceNumber]) {
    self.sender = sender
    self.media = media
    self.sequences = sequences
  }
}

/// A picture could not be decoded: send a key frame (RFC 4585 §6.3.1).
public struct PictureLossIndication: Sendable, Equatable {
  public var sender: SSRC
  public var media: SSRC

  public init(sender: SSRC, media: SSRC) {
    self.sender = sender
    self.media = media
  }
}

/// The older command for a key frame (RFC 5104 §4.3.1).
public struct FullIntraRequest: Sendable, Equatable {
  public var sender: SSRC
  /// A repeated command has the same number.
  public var requests: [Request]

  public struct Request: Sendable, Equatable {
    public var media: SSRC
    public var commandSequence: UInt8

    public init(media: SSRC, commandSequence: UInt8) {
      self.media = media
      self.commandSequence = commandSequence
    }
  }

  public init(sender: SSRC, requests: [Request]) {
    self.sender = sender
    self.requests = requests
  }
}

/// REMB: the receiver's estimate of what can be sent to it (draft-alvestrand-rmcat-remb-03 §2.2).
public struct ReceiverEstimatedMaximumBitrate: Sendable, Equatable {
  public var sender: SSRC
  /// Bits a second.
  public var bitrate: UInt64
  /// The streams that share it, 255 at most.
  public var media: [SSRC]

  public init(sender: SSRC, bitrate: UInt64, media: [SSRC]) {
    self.sender = sender
    self.bitrate = bitrate
    self.media = media
  }
}

/// Packet types and formats (RFC 3550 §12.1, RFC 4585 §6.1, RFC 5104 §4.2).
enum RTCPType {
  static let senderReport: UInt8 = 200
  static let receiverReport: UInt8 = 201
  static let sourceDescription: UInt8 = 202
  static let goodbye: UInt8 = 203
  static let transportSpecificFeedback: UInt8 = 205
  static let payloadSpecificFeedback: UInt8 = 206

  static let nack: UInt8 = 1
  static let transportWideFeedback: UInt8 = 15
  static let pictureLoss: UInt8 = 1
  static let fullIntraRequest: UInt8 = 4
  static let applicationLayer: UInt8 = 15

  /// "REMB".
  static let rembIdentifier: UInt32 = 0x5245_4D42
  static let canonicalNameItem: UInt8 = 1
}
