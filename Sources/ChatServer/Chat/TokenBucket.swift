import NIOCore

/// Allows a rate with bursts: fills at `rate` tokens a second up to `burst`.
struct TokenBucket {
  private let rate: Double
  private let burst: Double
  private var tokens: Double
  private var filled: NIODeadline

  init(rate: Double, burst: Double, now: NIODeadline) {
    self.rate = rate
    self.burst = burst
    tokens = burst
    filled = now
  }

  /// Takes tokens, into debt if there are too few.
  /// - Returns: the time until the debt is paid, zero if there is none.
  mutating func take(_ count: Double, now: NIODeadline) -> TimeAmount {
    tokens = min(burst, tokens + Double((now - filled).nanoseconds) / 1e9 * rate) - count
    filled = now
    return tokens >= 0 ? .zero : .nanoseconds(Int64(min(-tokens / rate, 3600) * 1e9))
  }
}
