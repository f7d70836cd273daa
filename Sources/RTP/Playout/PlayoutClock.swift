import NIOCore

/// Decides when a video frame is shown: at a steady delay behind the fastest frames, long enough for the usual jitter.
struct PlayoutClock: Sendable {
  /// Bounds of the delay, and what it starts with.
  static let shortest: Int64 = 0
  static let start = 40 * Int64.millisecond
  static let longest = 200 * Int64.millisecond
  /// Most that the delay shrinks with one frame, or the picture would jerk.
  static let shrink = Int64.millisecond / 2

  private var tracker = TransitTracker(clockRate: ClockRate.video)
  /// Smoothed lateness, and its mean deviation, in nanoseconds.
  private var mean: Double = 0
  private var deviation: Double = 0
  private(set) var delay = Self.start

  /// Takes note of a frame that became complete now, and says when to show it, in nanoseconds.
  mutating func completed(_ timestamp: RTPTimestamp, now: NIODeadline) -> Int64 {
    if let lateness = tracker.arrived(timestamp, now: now) { adapt(to: Double(lateness)) }
    return tracker.fastestArrival(of: timestamp) &+ delay
  }

  private mutating func adapt(to lateness: Double) {
    mean += (lateness - mean) / 16
    deviation += (abs(lateness - mean) - deviation) / 16
    let target = min(max(Int64(mean + 3 * deviation), Self.shortest), Self.longest)
    // Up at once, or frames are late.
    delay = max(target, delay - Self.shrink)
  }
}
