import NIOCore

/// How long to wait before trying again: exponential, with jitter so that a server that comes back is not met by all of
/// its clients at once.
struct Backoff {
  private let minimum: TimeAmount
  private let maximum: TimeAmount
  private var failures: Int64 = 0

  init(minimum: TimeAmount, maximum: TimeAmount) {
    self.minimum = minimum
    self.maximum = maximum
  }

  mutating func succeeded() { failures = 0 }

  /// The time until the next attempt: from half of what is due up to all of it.
  mutating func failed(using random: inout some RandomNumberGenerator) -> TimeAmount {
    let due = min(minimum.nanoseconds << min(failures, 20), maximum.nanoseconds)
    failures += 1
    return .nanoseconds(Int64.random(in: due / 2...max(due, due / 2), using: &random))
  }
}
