public import NIOCore

extension ByteBuffer {
  /// Appends one RTCP packet. Calling this again makes a compound; its order is the caller's (RFC 3550 §6.1: a report
  /// first). Lists longer than the format can count are cut. `.unknown` writes nothing.
  public mutating func writeRTCP(_ packet: RTCPPacket) {
    switch packet {
    case .senderReport(let report): write(report)
    case .receiverReport(let report):
      writeRTCP(count: min(report.blocks.count, 31), type: RTCPType.receiverReport) {
        $0.writeInteger(report.ssrc.rawValue)
        $0.write(report.blocks)
      }
    case .sourceDescription(let names): write(names)
    case .goodbye(let sources):
      writeRTCP(count: min(sources.count, 31), type: RTCPType.goodbye) { buffer in
        for ssrc in sources.prefix(31) { buffer.writeInteger(ssrc.rawValue) }
      }
    case .nack(let nack): write(nack)
    case .transportFeedback(let feedback):
      writeRTCP(count: Int(RTCPType.transportWideFeedback), type: RTCPType.transportSpecificFeedback) {
        feedback.write(into: &$0)
      }
    case .pictureLoss(let indication):
      writeRTCP(count: Int(RTCPType.pictureLoss), type: RTCPType.payloadSpecificFeedback) {
        _ = $0.writeMultipleIntegers(indication.sender.rawValue, indication.media.rawValue)
      }
    case .fullIntraRequest(let request):
      writeRTCP(count: Int(RTCPType.fullIntraRequest), type: RTCPType.payloadSpecificFeedback) {
        // RFC 5104 §4.3.1.2: the media source is 0, the targets are in the entries.
        $0.writeMultipleIntegers(request.sender.rawValue, UInt32(0))
        for entry in request.requests {
          $0.writeMultipleIntegers(entry.media.rawValue, UInt32(entry.commandSequence) << 24)
        }
      }
    case .receiverEstimatedMaximumBitrate(let estimate): write(estimate)
    case .unknown: break
    }
  }

  /// Writes a packet with its header, padded to 32 bits (RFC 3550 §6.4.1: the last byte counts the padding).
  private mutating func writeRTCP(count: Int, type: UInt8, _ body: (inout ByteBuffer) -> Void) {
    let start = writerIndex
    writeMultipleIntegers(0x80 | UInt8(count), type, UInt16(0))
    body(&self)
    let padding = (4 - (writerIndex - start) % 4) % 4
    if padding > 0 {
      writeRepeatingByte(0, count: padding - 1)
      writeInteger(UInt8(padding))
      setInteger(0xA0 | UInt8(count), at: start)
    }
    setInteger(UInt16(truncatingIfNeeded: (writerIndex - start) / 4 - 1), at: start + 2)
  }

  private mutating func write(_ report: SenderReport) {
    writeRTCP(count: min(report.blocks.count, 31), type: RTCPType.senderReport) {
      $0.writeMultipleIntegers(
        report.ssrc.rawValue, report.time.rawValue, report.timestamp.rawValue, report.packetCount, report.octetCount)
      $0.write(report.blocks)
    }
  }

  private mutating func write(_ blocks: [ReportBlock]) {
    for block in blocks.prefix(31) {
      let lost = UInt32(bitPattern: min(max(block.packetsLost, -0x80_0000), 0x7F_FFFF)) & 0xFF_FFFF
      writeMultipleIntegers(
        block.ssrc.rawValue, UInt32(block.fractionLost) << 24 | lost, block.highestSequence, block.jitter,
        block.lastSenderReport, block.delaySinceLastSenderReport)
    }
  }

  private mutating func write(_ names: [CanonicalName]) {
    writeRTCP(count: min(names.count, 31), type: RTCPType.sourceDescription) { buffer in
      for entry in names.prefix(31) {
        let text = entry.name.utf8.prefix(255)
        buffer.writeMultipleIntegers(entry.ssrc.rawValue, RTCPType.canonicalNameItem, UInt8(text.count))
        buffer.writeBytes(text)
        // RFC 3550 §6.5: the items end with one zero byte at least, on a 32-bit boundary.
        buffer.writeRepeatingByte(0, count: 4 - (text.count + 2) % 4)
      }
    }
  }

  private mutating func write(_ nack: GenericNACK) {
    writeRTCP(count: Int(RTCPType.nack), type: RTCPType.transportSpecificFeedback) { buffer in
      buffer.writeMultipleIntegers(nack.sender.rawValue, nack.media.rawValue)
      var index = 0
      let sequences = nack.sequences.prefix(GenericNACK.maximumSequences)
      while index < sequences.count {
        let first = sequences[index]
        var mask: UInt16 = 0
        index += 1
        while index < sequences.count, case let ahead = first.distance(to: sequences[index]), (1...16).contains(ahead) {
          mask |= 1 << (ahead - 1)
          index += 1
        }
        buffer.writeMultipleIntegers(first.rawValue, mask)
      }
    }
  }

  private mutating func write(_ estimate: ReceiverEstimatedMaximumBitrate) {
    writeRTCP(count: Int(RTCPType.applicationLayer), type: RTCPType.payloadSpecificFeedback) { buffer in
      let exponent = max(0, 64 - estimate.bitrate.leadingZeroBitCount - 18)
      let mantissa = UInt32(estimate.bitrate >> exponent)
      let media = estimate.media.prefix(255)
      buffer.writeMultipleIntegers(
        estimate.sender.rawValue, UInt32(0), RTCPType.rembIdentifier,
        UInt32(media.count) << 24 | UInt32(exponent) << 18 | mantissa)
      for ssrc in media { buffer.writeInteger(ssrc.rawValue) }
    }
  }
}
