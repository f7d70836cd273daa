import NIOCore

/// Counts what a stream of ours sent, for its sender reports (RFC 3550 §6.4.1).
struct SenderReporter: Sendable {
  private let ssrc: SSRC
  private let clockRate: Int64
  private var packets = 0
  private var octets = 0
  private var lastFrame: (timestamp: RTPTimestamp, captured: NIODeadline)?

  init(ssrc: SSRC, clockRate: Int) {
    self.ssrc = ssrc
    self.clockRate = Int64(clockRate)
  }

  /// A packet for the first time; `payload` in bytes. Repetitions belong to another stream (RFC 4588 §6.3).
  mutating func sent(payload: Int) {
    packets += 1
    octets += payload
  }

  /// Which timestamp belongs to which moment.
  mutating func sentFrame(_ timestamp: RTPTimestamp, captured: NIODeadline) {
    lastFrame = (timestamp, captured)
  }

  /// The timestamp of now is reckoned from the last frame's; `nil` before the first.
  func makeReport(now: NIODeadline) -> SenderReport? {
    guard let lastFrame else { return nil }
    let since = Int64.ticks(nanoseconds: now.nanoseconds - lastFrame.captured.nanoseconds, clockRate: clockRate)
    return SenderReport(
      ssrc: ssrc, time: NTPTime(now),
      timestamp: RTPTimestamp(lastFrame.timestamp.rawValue &+ UInt32(truncatingIfNeeded: since)),
      packetCount: UInt32(truncatingIfNeeded: packets), octetCount: UInt32(truncatingIfNeeded: octets))
  }

  /// The counters with ours filled in.
  func counted(_ counters: MediaStatistics.Sender) -> MediaStatistics.Sender {
    var counters = counters
    counters.packetsSent = packets
    counters.bytesSent = octets
    return counters
  }
}
