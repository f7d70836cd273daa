import NIOCore

/// When the next regular report is due: the interval varied by half either way, so that ends do not fall into step
/// (RFC 3550 §6.2, RFC 4585 §3.5.3). Feedback that cannot wait goes out at once and does not move the schedule.
struct ReportScheduler: Sendable {
  /// With video; one second is what browsers do.
  static let videoInterval = TimeAmount.seconds(1)
  static let audioInterval = TimeAmount.milliseconds(2500)

  private(set) var next: NIODeadline?

  /// Starts with a short interval (half, RFC 3550 §6.2), since lip sync and the round trip wait for the first report.
  mutating func start(now: NIODeadline) {
    if next == nil { next = now + .milliseconds(250) }
  }

  mutating func stop() { next = nil }

  /// - Parameter random: 0..<1.
  mutating func sent(now: NIODeadline, interval: TimeAmount, random: Double) {
    next = now + .nanoseconds(Int64(Double(interval.nanoseconds) * (0.5 + random)))
  }

  func isDue(now: NIODeadline) -> Bool { next.map { $0 <= now } ?? false }
}
