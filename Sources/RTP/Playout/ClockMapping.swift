import NIOCore

/// Where a stream's timestamps lie on its sender's clock, as the last sender report has it (RFC 3550 §6.4.1).
struct ClockMapping: Sendable {
  private let clockRate: Int64
  private var report: (time: NTPTime, timestamp: RTPTimestamp)?

  /// - Parameter clockRate: ticks a second.
  init(clockRate: Int) {
    self.clockRate = Int64(clockRate)
  }

  mutating func received(_ report: SenderReport) {
    self.report = (report.time, report.timestamp)
  }

  /// Nanoseconds between the moments that two streams of one sender were taken at: from `timestamp` of this stream to
  /// `otherTimestamp` of the other. `nil` until both have had a report.
  func nanoseconds(
    from timestamp: RTPTimestamp, to otherTimestamp: RTPTimestamp, of other: ClockMapping
  ) -> Int64? {
    guard let report, let otherReport = other.report else { return nil }
    let sinceReport = Int64.nanoseconds(
      ticks: Int64(report.timestamp.distance(to: timestamp)), clockRate: clockRate)
    let otherSinceReport = Int64.nanoseconds(
      ticks: Int64(otherReport.timestamp.distance(to: otherTimestamp)), clockRate: other.clockRate)
    return report.time.nanoseconds(to: otherReport.time) &+ otherSinceReport &- sinceReport
  }
}
