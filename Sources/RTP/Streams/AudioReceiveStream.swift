import NIOCore

/// One Opus stream of the peer's: counts, throws out duplicates, and passes the packets on as they come.
final class AudioReceiveStream {
  let ssrc: SSRC
  private var reception = ReceptionStatistics(clockRate: ClockRate.audio)
  private var filter = DuplicateFilter()
  private(set) var clock = ClockMapping(clockRate: ClockRate.audio)
  private var duplicates = 0
  private(set) var lastArrival: NIODeadline?

  init(ssrc: SSRC) {
    self.ssrc = ssrc
  }

  /// Takes a packet of this stream.
  /// - Returns: what the jitter buffer is to get, if anything.
  func receive(
    _ packet: RTPPacket, level: UInt8?, lipSyncDelay: TimeAmount, now: NIODeadline
  ) -> ReceivedAudioPacket? {
    lastArrival = now
    let verdict = reception.received(
      packet.sequenceNumber, timestamp: packet.timestamp, size: packet.payload.readableBytes, now: now)
    switch verdict {
    case .rejected: return nil
    case .restarted(let sequence):
      filter = DuplicateFilter()
      _ = filter.insert(sequence)
    case .accepted(let sequence):
      guard filter.insert(sequence) else {
        duplicates += 1
        return nil
      }
    }
    return ReceivedAudioPacket(
      ssrc: ssrc, sequenceNumber: packet.sequenceNumber, timestamp: packet.timestamp, payload: packet.payload,
      arrival: now, level: level, lipSyncDelay: lipSyncDelay)
  }

  func receive(_ report: SenderReport, now: NIODeadline) {
    reception.received(report, now: now)
    clock.received(report)
  }

  /// A report on everything since the last one.
  func makeReportBlock(now: NIODeadline) -> ReportBlock? { reception.makeReportBlock(ssrc: ssrc, now: now) }

  func count(into counters: inout MediaStatistics.Receiver) {
    counters.ssrc = ssrc
    counters.duplicates = duplicates
    reception.count(into: &counters)
  }
}
