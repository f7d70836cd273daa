import NIOCore

/// The round trip as report blocks tell it (RFC 3550 §6.4.1), smoothed.
struct RoundTripEstimator: Sendable {
  /// `nil` until the first usable report.
  private(set) var estimate: TimeAmount?

  /// What to reckon with before there is an estimate.
  static let assumed = TimeAmount.milliseconds(100)
  /// Measurements above are taken for nonsense.
  static let longest = TimeAmount.seconds(10)

  /// - Returns: the single measurement, if the block allows one.
  @discardableResult
  mutating func received(_ block: ReportBlock, now: NIODeadline) -> TimeAmount? {
    guard block.lastSenderReport != 0 else { return nil }
    let units = NTPTime(now).middle &- block.lastSenderReport &- block.delaySinceLastSenderReport
    // Clocks of different grain can make a short trip come out negative.
    let positive = Int32(bitPattern: units) < 0 ? 0 : units
    let sample = TimeAmount.nanoseconds((Int64(positive) * 1_000_000_000) >> 16)
    guard sample <= Self.longest, Int32(bitPattern: units) > -65536 else { return nil }
    estimate = estimate.map { .nanoseconds(($0.nanoseconds * 7 + sample.nanoseconds) / 8) } ?? sample
    return sample
  }
}
