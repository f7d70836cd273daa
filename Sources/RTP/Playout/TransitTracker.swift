import NIOCore

/// Compares arrival times with timestamps: how much later than the fastest packets of late does each come? The two clocks
/// need not agree; only differences are looked at.
struct TransitTracker: Sendable {
  /// The fastest packet of the last one or two of these spans sets the baseline; so it follows a drifting clock.
  private static let baselineSpan = 5 * Int64.second
  /// A packet that far off, either way, is a timestamp jump: everything starts anew.
  private static let jump = 3 * Int64.second

  private let clockRate: Int64
  private var hasStarted = false
  private var newest = RTPTimestamp(0)
  /// Ticks from the start to the newest timestamp. Bounded by real time, since more would be a jump.
  private var ticks: Int64 = 0
  private var baseline: Int64 = 0
  private var nextBaseline: Int64 = 0
  private var baselineStart: Int64 = 0

  /// - Parameter clockRate: ticks a second.
  init(clockRate: Int) {
    self.clockRate = Int64(clockRate)
  }

  /// Takes note of an arrival.
  /// - Returns: nanoseconds later than the fastest would have come; `nil` when everything starts with this one.
  mutating func arrived(_ timestamp: RTPTimestamp, now: NIODeadline) -> Int64? {
    let time = now.nanoseconds
    let step = Int64(newest.distance(to: timestamp))
    let transit = time &- Int64.nanoseconds(ticks: ticks &+ step, clockRate: clockRate)
    guard hasStarted, abs(step) < 10 * clockRate, abs(transit &- baseline) < Self.jump else {
      hasStarted = true
      newest = timestamp
      ticks = 0
      baseline = time
      nextBaseline = time
      baselineStart = time
      return nil
    }
    if step > 0 {
      ticks += step
      newest = timestamp
    }
    if time - baselineStart >= Self.baselineSpan {
      baseline = nextBaseline
      nextBaseline = transit
      baselineStart = time
    }
    nextBaseline = min(nextBaseline, transit)
    baseline = min(baseline, transit)
    return transit - baseline
  }

  /// When a packet of this timestamp would have come, had it been as fast as the fastest; in nanoseconds.
  func fastestArrival(of timestamp: RTPTimestamp) -> Int64 {
    let position = ticks &+ Int64(newest.distance(to: timestamp))
    return baseline &+ Int64.nanoseconds(ticks: position, clockRate: clockRate)
  }
}
