import NIOCore

extension MediaTransport {
  /// A datagram this long takes no further packet; with the longest there is (transport feedback) it still fits.
  private static let fullDatagram = 250

  /// Polls the video receivers, and writes what RTCP is due: feedback at once, reports by their schedule.
  func writeRTCP(now: NIODeadline, into output: inout MediaOutput) {
    var datagram: ByteBuffer?
    if !isClosed { writeReportsAndFeedback(now: now, to: &datagram, into: &output) }
    if !goodbyes.isEmpty {
      // RFC 3550 §6.1: a goodbye is never alone.
      if datagram == nil { datagram = makeCompound(report: .receiverReport(ReceiverReport(ssrc: feedbackSSRC))) }
      append(.goodbye(goodbyes), to: &datagram, into: &output)
      goodbyes.removeAll()
    }
    if let datagram { output.rtcp.append(datagram) }
  }

  private func writeReportsAndFeedback(
    now: NIODeadline, to datagram: inout ByteBuffer?, into output: inout MediaOutput
  ) {
    if schedule.isDue(now: now) {
      let interval =
        videoSenders.isEmpty && videoReceivers.isEmpty
        ? ReportScheduler.audioInterval : ReportScheduler.videoInterval
      schedule.sent(now: now, interval: interval, random: .random(in: 0..<1, using: &generator))
      datagram = makeReports(now: now)
    }
    for index in videoReceivers.indices {
      guard let stream = videoReceivers[index].stream else { continue }
      let mid = videoReceivers[index].mid
      stream.poll(now: now, roundTrip: assumedRoundTrip) { frame in
        output.events.append(.video(mid: mid, frame))
      } request: { request in
        append(packet(for: request, of: index, ssrc: stream.ssrc), to: &datagram, into: &output)
      }
    }
    while let feedback = arrivals.poll(now: now, sender: feedbackSSRC, media: feedbackMedia) {
      append(.transportFeedback(feedback), to: &datagram, into: &output)
    }
  }

  private var feedbackSSRC: SSRC {
    videoSenders.first?.parameters.ssrc ?? audioSenders.first?.parameters.ssrc ?? receiverSSRC
  }

  /// Transport feedback is about all streams; it names any.
  private var feedbackMedia: SSRC {
    videoReceivers.first?.stream?.ssrc ?? audioReceivers.first?.stream?.ssrc ?? SSRC(0)
  }

  private func packet(for request: VideoReceiveStream.Request, of index: Int, ssrc: SSRC) -> RTCPPacket {
    switch request {
    case .packets(let sequences):
      return .nack(GenericNACK(sender: feedbackSSRC, media: ssrc, sequences: sequences))
    case .keyFrame where videoReceivers[index].parameters.usesPLI:
      return .pictureLoss(PictureLossIndication(sender: feedbackSSRC, media: ssrc))
    case .keyFrame:
      videoReceivers[index].intraRequestSequence &+= 1
      let number = videoReceivers[index].intraRequestSequence
      return .fullIntraRequest(
        FullIntraRequest(sender: feedbackSSRC, requests: [.init(media: ssrc, commandSequence: number)]))
    }
  }

  private func append(_ packet: RTCPPacket, to datagram: inout ByteBuffer?, into output: inout MediaOutput) {
    if let full = datagram, full.readableBytes > Self.fullDatagram {
      output.rtcp.append(full)
      datagram = nil
    }
    if datagram == nil {
      // RFC 4585 §3.1: without reduced size every datagram begins with a report, which may be empty.
      datagram =
        configuration.usesReducedSizeRTCP
        ? newDatagram() : makeCompound(report: .receiverReport(ReceiverReport(ssrc: feedbackSSRC)))
    }
    datagram?.writeRTCP(packet)
  }

  private func newDatagram() -> ByteBuffer {
    ByteBufferAllocator().buffer(capacity: 1200 + OutgoingPacket.trailingRoom)
  }

  private func makeCompound(report: RTCPPacket) -> ByteBuffer {
    var datagram = newDatagram()
    datagram.writeRTCP(report)
    datagram.writeRTCP(.sourceDescription([CanonicalName(ssrc: feedbackSSRC, name: configuration.cname)]))
    return datagram
  }

  /// Sender reports of our streams, report blocks on the peer's, and our name.
  private func makeReports(now: NIODeadline) -> ByteBuffer {
    var blocks: [ReportBlock] = []
    for receiver in videoReceivers {
      if let block = receiver.stream?.makeReportBlock(now: now) { blocks.append(block) }
    }
    for receiver in audioReceivers {
      if let block = receiver.stream?.makeReportBlock(now: now) { blocks.append(block) }
    }
    var reports = videoSenders.compactMap { $0.makeSenderReport(now: now) }
    reports += audioSenders.compactMap { $0.makeSenderReport(now: now) }

    var datagram = newDatagram()
    if reports.isEmpty {
      datagram.writeRTCP(.receiverReport(ReceiverReport(ssrc: feedbackSSRC, blocks: blocks)))
    } else {
      reports[0].blocks = blocks
      for report in reports { datagram.writeRTCP(.senderReport(report)) }
    }
    let sources = reports.isEmpty ? [feedbackSSRC] : reports.map(\.ssrc)
    datagram.writeRTCP(.sourceDescription(sources.map { CanonicalName(ssrc: $0, name: configuration.cname) }))
    return datagram
  }
}
