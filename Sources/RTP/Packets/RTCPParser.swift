public import NIOCore

/// Reads RTCP compounds, and single feedback packets where reduced size was negotiated (RFC 5506).
public enum RTCPParser {
  /// Most packets looked at in one datagram; what follows is ignored.
  public static let maximumPackets = 64

  /// Appends the packets of a decrypted datagram to `packets`.
  /// - Throws: ``RTPError`` at the first packet that is wrong; those before it have been appended.
  public static func parse(_ datagram: ByteBuffer, into packets: inout [RTCPPacket]) throws(RTPError) {
    var rest = datagram
    guard rest.readableBytes >= 4 else { throw .truncated("RTCP header") }
    for _ in 0..<maximumPackets where rest.readableBytes > 0 {
      packets.append(try parseOne(&rest))
    }
  }

  private static func parseOne(_ rest: inout ByteBuffer) throws(RTPError) -> RTCPPacket {
    guard let (first, type, words) = rest.readMultipleIntegers(as: (UInt8, UInt8, UInt16).self),
      var body = rest.readSlice(length: Int(words) * 4)
    else { throw .truncated("RTCP packet") }
    guard first >> 6 == 2 else { throw .badVersion(first >> 6) }
    if first & 0x20 != 0 {
      guard let padding: UInt8 = body.getInteger(at: body.writerIndex - 1), padding > 0,
        Int(padding) <= body.readableBytes
      else { throw .malformed("RTCP padding") }
      body.moveWriterIndex(to: body.writerIndex - Int(padding))
    }
    let count = first & 0x1F
    switch type {
    case RTCPType.senderReport: return .senderReport(try senderReport(&body, blocks: count))
    case RTCPType.receiverReport: return .receiverReport(try receiverReport(&body, blocks: count))
    case RTCPType.sourceDescription: return .sourceDescription(try sourceDescription(&body, chunks: count))
    case RTCPType.goodbye: return .goodbye(try goodbye(&body, sources: count))
    case RTCPType.transportSpecificFeedback: return try transportSpecific(&body, format: count)
    case RTCPType.payloadSpecificFeedback: return try payloadSpecific(&body, format: count)
    default: return .unknown(type: type, format: count)
    }
  }

  private static func senderReport(_ body: inout ByteBuffer, blocks: UInt8) throws(RTPError) -> SenderReport {
    guard
      let (ssrc, time, timestamp, packets, octets) = body.readMultipleIntegers(
        as: (UInt32, UInt64, UInt32, UInt32, UInt32).self)
    else { throw .truncated("sender report") }
    return SenderReport(
      ssrc: SSRC(ssrc), time: NTPTime(rawValue: time), timestamp: RTPTimestamp(timestamp), packetCount: packets,
      octetCount: octets, blocks: try reportBlocks(&body, count: blocks))
  }

  private static func receiverReport(_ body: inout ByteBuffer, blocks: UInt8) throws(RTPError) -> ReceiverReport {
    guard let ssrc: UInt32 = body.readInteger() else { throw .truncated("receiver report") }
    return ReceiverReport(ssrc: SSRC(ssrc), blocks: try reportBlocks(&body, count: blocks))
  }

  private static func reportBlocks(_ body: inout ByteBuffer, count: UInt8) throws(RTPError) -> [ReportBlock] {
    var blocks: [ReportBlock] = []
    blocks.reserveCapacity(Int(count))
    for _ in 0..<count {
      guard
        let (ssrc, loss, highest, jitter, last, delay) = body.readMultipleIntegers(
          as: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32).self)
      else { throw .truncated("report block") }
      blocks.append(
        ReportBlock(
          ssrc: SSRC(ssrc), fractionLost: UInt8(loss >> 24),
          packetsLost: Int32(bitPattern: loss << 8) >> 8,  // keeps the sign of the 24 bits
          highestSequence: highest, jitter: jitter, lastSenderReport: last, delaySinceLastSenderReport: delay))
    }
    return blocks
  }

  private static func sourceDescription(_ body: inout ByteBuffer, chunks: UInt8) throws(RTPError) -> [CanonicalName] {
    var names: [CanonicalName] = []
    for _ in 0..<chunks {
      let start = body.readerIndex
      guard let ssrc: UInt32 = body.readInteger() else { throw .truncated("source description") }
      var name = ""
      while true {
        guard let item: UInt8 = body.readInteger() else { throw .truncated("source description") }
        if item == 0 { break }
        guard let length: UInt8 = body.readInteger(), let text = body.readString(length: Int(length)) else {
          throw .truncated("source description item")
        }
        if item == RTCPType.canonicalNameItem { name = text }
      }
      // RFC 3550 §6.5: a chunk ends on a 32-bit boundary; senders that stop short at the very end are forgiven.
      let padding = (4 - (body.readerIndex - start) % 4) % 4
      body.moveReaderIndex(forwardBy: min(padding, body.readableBytes))
      names.append(CanonicalName(ssrc: SSRC(ssrc), name: name))
    }
    return names
  }

  private static func goodbye(_ body: inout ByteBuffer, sources: UInt8) throws(RTPError) -> [SSRC] {
    var list: [SSRC] = []
    for _ in 0..<sources {
      guard let ssrc: UInt32 = body.readInteger() else { throw .truncated("goodbye") }
      list.append(SSRC(ssrc))
    }
    return list
  }

  private static func feedbackHeader(_ body: inout ByteBuffer) throws(RTPError) -> (sender: SSRC, media: SSRC) {
    guard let (sender, media) = body.readMultipleIntegers(as: (UInt32, UInt32).self) else {
      throw .truncated("feedback header")
    }
    return (SSRC(sender), SSRC(media))
  }

  private static func transportSpecific(_ body: inout ByteBuffer, format: UInt8) throws(RTPError) -> RTCPPacket {
    let (sender, media) = try feedbackHeader(&body)
    switch format {
    case RTCPType.nack:
      var sequences: [SequenceNumber] = []
      while sequences.count + 17 <= GenericNACK.maximumSequences,
        let (first, mask) = body.readMultipleIntegers(as: (UInt16, UInt16).self)
      {
        sequences.append(SequenceNumber(first))
        for bit in 0..<16 where mask >> bit & 1 == 1 {
          sequences.append(SequenceNumber(first).advanced(by: bit + 1))
        }
      }
      guard !sequences.isEmpty else { throw .truncated("NACK") }
      return .nack(GenericNACK(sender: sender, media: media, sequences: sequences))
    case RTCPType.transportWideFeedback:
      return .transportFeedback(try TransportFeedback(sender: sender, media: media, reading: &body))
    default:
      return .unknown(type: RTCPType.transportSpecificFeedback, format: format)
    }
  }

  private static func payloadSpecific(_ body: inout ByteBuffer, format: UInt8) throws(RTPError) -> RTCPPacket {
    let (sender, media) = try feedbackHeader(&body)
    switch format {
    case RTCPType.pictureLoss:
      return .pictureLoss(PictureLossIndication(sender: sender, media: media))
    case RTCPType.fullIntraRequest:
      var requests: [FullIntraRequest.Request] = []
      while let (target, command) = body.readMultipleIntegers(as: (UInt32, UInt32).self) {
        requests.append(.init(media: SSRC(target), commandSequence: UInt8(command >> 24)))
      }
      guard !requests.isEmpty else { throw .truncated("full intra request") }
      return .fullIntraRequest(FullIntraRequest(sender: sender, requests: requests))
    case RTCPType.applicationLayer where body.getInteger(at: body.readerIndex) == RTCPType.rembIdentifier:
      return .receiverEstimatedMaximumBitrate(try remb(&body, sender: sender))
    default:
      return .unknown(type: RTCPType.payloadSpecificFeedback, format: format)
    }
  }

  private static func remb(
    _ body: inout ByteBuffer, sender: SSRC
  ) throws(RTPError) -> ReceiverEstimatedMaximumBitrate {
    guard let (_, value) = body.readMultipleIntegers(as: (UInt32, UInt32).self) else { throw .truncated("REMB") }
    let exponent = UInt64(value >> 18 & 0x3F)
    let mantissa = UInt64(value & 0x3_FFFF)
    guard (mantissa << exponent) >> exponent == mantissa else { throw .malformed("REMB bitrate") }
    var media: [SSRC] = []
    for _ in 0..<(value >> 24) {
      guard let ssrc: UInt32 = body.readInteger() else { throw .truncated("REMB") }
      media.append(SSRC(ssrc))
    }
    return ReceiverEstimatedMaximumBitrate(sender: sender, bitrate: mantissa << exponent, media: media)
  }
}
