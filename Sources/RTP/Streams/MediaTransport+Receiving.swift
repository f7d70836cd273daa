public import NIOCore

extension MediaTransport {
  /// Takes a decrypted RTP packet.
  /// - Throws: ``RTPError`` for packets that are malformed or belong to no receiver.
  public func receiveRTP(_ datagram: ByteBuffer, now: NIODeadline) throws(RTPError) {
    let packet = try RTPPacket(parsing: datagram)
    let values = packet.extensions.values(receivedExtensions)
    if let sequence = values.transportSequence { arrivals.received(sequence, now: now) }
    schedule.start(now: now)

    if let index = find(packet, mid: values.mid, in: videoReceivers, owns: { $0.owns($1) }, match: { $0.match($1) }) {
      try receiveVideo(packet, index, now: now)
    } else if let index = find(
      packet, mid: values.mid, in: audioReceivers, owns: { $0.owns($1) }, match: { $0.match($1) })
    {
      guard let stream = audioReceivers[index].stream(for: packet.ssrc, now: now) else {
        throw .unknownStream(packet.ssrc, packet.payloadType)
      }
      let received = stream.receive(packet, level: values.audioLevel, lipSyncDelay: lipSyncAudioDelay, now: now)
      if let received { pendingEvents.append(.audio(mid: audioReceivers[index].mid, received)) }
    } else {
      throw .unknownStream(packet.ssrc, packet.payloadType)
    }
  }

  /// RFC 9143 §9.2: by SSRC, else by mid, else by a payload type that only one m-section uses. The payload type has to
  /// fit in any case.
  private func find<R: Receiver>(
    _ packet: RTPPacket, mid: String?, in receivers: [R], owns: (R, SSRC) -> Bool,
    match: (R, PayloadType) -> ReceiverMatch?
  ) -> Int? {
    var only: Int?
    var count = 0
    for (index, receiver) in receivers.enumerated() where match(receiver, packet.payloadType) != nil {
      if owns(receiver, packet.ssrc) || receiver.mid == mid { return index }
      only = index
      count += 1
    }
    return mid == nil && count == 1 ? only : nil
  }

  private func receiveVideo(_ packet: RTPPacket, _ index: Int, now: NIODeadline) throws(RTPError) {
    switch videoReceivers[index].match(packet.payloadType) {
    case .retransmission(let original):
      guard let stream = videoReceivers[index].stream,
        let repeated = packet.unwrappingRetransmission(ssrc: stream.ssrc, payloadType: original)
      else { return }
      try stream.receiveRepeated(repeated, now: now)
    case .media:
      guard let stream = videoReceivers[index].stream(for: packet.ssrc, now: now) else {
        throw .unknownStream(packet.ssrc, packet.payloadType)
      }
      try stream.receive(packet, now: now)
    case nil: break
    }
  }

  /// Takes a decrypted RTCP packet, compound or reduced-size.
  /// - Throws: ``RTPError`` at the first part that is wrong; the parts before it have had their effect.
  public func receiveRTCP(_ datagram: ByteBuffer, now: NIODeadline) throws(RTPError) {
    parsed.removeAll(keepingCapacity: true)
    defer { for packet in parsed { receive(packet, now: now) } }
    try RTCPParser.parse(datagram, into: &parsed)
  }

  private func receive(_ packet: RTCPPacket, now: NIODeadline) {
    switch packet {
    case .senderReport(let report):
      for receiver in videoReceivers where receiver.stream?.ssrc == report.ssrc {
        receiver.stream?.receive(report, now: now)
      }
      for receiver in audioReceivers where receiver.stream?.ssrc == report.ssrc {
        receiver.stream?.receive(report, now: now)
      }
      for block in report.blocks { receive(block, now: now) }
    case .receiverReport(let report):
      for block in report.blocks { receive(block, now: now) }
    case .goodbye(let sources):
      for receiver in videoReceivers where receiver.stream.map({ sources.contains($0.ssrc) }) ?? false {
        pendingEvents.append(.ended(mid: receiver.mid))
      }
      for receiver in audioReceivers where receiver.stream.map({ sources.contains($0.ssrc) }) ?? false {
        pendingEvents.append(.ended(mid: receiver.mid))
      }
    case .nack(let nack): resend(nack, now: now)
    case .transportFeedback(let feedback):
      results.removeAll(keepingCapacity: true)
      sentPackets.join(feedback, into: &results)
      if !results.isEmpty { estimator.transportFeedback(results, now: now) }
    case .pictureLoss(let indication): keyFrameRequested(indication.media, command: nil, now: now)
    case .fullIntraRequest(let intra):
      for request in intra.requests {
        keyFrameRequested(request.media, command: (intra.sender, request.commandSequence), now: now)
      }
    case .receiverEstimatedMaximumBitrate(let estimate):
      estimator.maximumReported(Int(clamping: estimate.bitrate), now: now)
    case .sourceDescription, .unknown: break
    }
  }

  private func receive(_ block: ReportBlock, now: NIODeadline) {
    let video = videoSenders.first { $0.owns(block.ssrc) }
    let audio = audioSenders.first { $0.parameters.ssrc == block.ssrc }
    guard video != nil || audio != nil else { return }
    video?.received(block)
    audio?.received(block)
    if let measured = roundTrip.received(block, now: now) { estimator.roundTripMeasured(measured, now: now) }
    // Video has nearly all of the packets; where there is none, sound speaks for the path.
    if video?.parameters.ssrc == block.ssrc || videoSenders.isEmpty {
      estimator.lossReported(Double(block.fractionLost) / 256, now: now)
    }
  }

  private func keyFrameRequested(_ media: SSRC, command: (sender: SSRC, sequence: UInt8)?, now: NIODeadline) {
    guard let stream = videoSenders.first(where: { $0.parameters.ssrc == media }) else { return }
    guard stream.keyFrameRequested(command: command, now: now) else { return }
    pendingEvents.append(.keyFrameRequested(mid: stream.parameters.mid))
  }
}
