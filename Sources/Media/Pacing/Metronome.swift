import NIOCore

/// Beats at a steady rate on an absolute schedule, so that lateness of one beat does not shift those after it.
struct Metronome {
  /// Whether beats are waited for. Without, files and synthetic sources run as fast as they are asked, with the same times.
  enum Pace: Sendable { case realTime, immediate }

  /// Who falls behind by more is not made to catch up: the schedule begins anew.
  static let patience = TimeAmount.milliseconds(250)

  private let numerator: UInt64
  private let denominator: UInt64
  private let pace: Pace
  private let stop: StopSignal
  private var start: NIODeadline?
  private var beats: UInt64 = 0

  /// - Parameters:
  ///   - numerator: with `denominator`, the beats a second as a fraction; both positive and below a million.
  init(rate numerator: Int, per denominator: Int = 1, pace: Pace, stop: StopSignal) {
    self.numerator = UInt64(numerator)
    self.denominator = UInt64(denominator)
    self.pace = pace
    self.stop = stop
  }

  /// Waits for the next beat; the first one is at once.
  /// - Returns: when it was due, or nil when stopped.
  mutating func wait() -> NIODeadline? {
    let now = NIODeadline.now()
    var due = start.map { $0 + offset(of: beats) } ?? now
    if start == nil || (pace == .realTime && now - due > Self.patience) {
      start = now
      due = now
      beats = 0
    }
    beats += 1
    let stopped = pace == .realTime ? stop.wait(until: due) : stop.isStopped
    return stopped ? nil : due
  }

  private func offset(of beat: UInt64) -> TimeAmount {
    // Whole turns of the numerator are whole multiples of the denominator in seconds: exact, and no overflow.
    let (turns, rest) = beat.quotientAndRemainder(dividingBy: numerator)
    let nanoseconds = turns * denominator * 1_000_000_000 + rest * denominator * 1_000_000_000 / numerator
    return .nanoseconds(Int64(nanoseconds))
  }
}
