import NIOCore

/// Counts frames that were sent to the terminal and not yet worked off by it, so that a slow terminal or link shows
/// fewer pictures instead of old ones. After each frame the terminal is asked for its status (DSR 5); it answers when it
/// gets there.
struct FrameFence {
  /// CSI 5 n.
  static let request: [UInt8] = [0x1B, 0x5B, 0x35, 0x6E]
  /// Frames that may be on their way.
  static let maximumOutstanding = 2
  /// A terminal that has not answered after this time is not waited for.
  static let patience = TimeAmount.seconds(1)

  private(set) var outstanding = 0
  private var lastSent: NIODeadline?
  private var misses = 0

  /// Whether fences are used: not with a terminal that does not answer them.
  var isInUse: Bool { misses < 3 }

  /// Whether another frame may be sent.
  mutating func maySend(now: NIODeadline) -> Bool {
    guard isInUse, outstanding >= Self.maximumOutstanding, let lastSent else { return true }
    guard lastSent + Self.patience <= now else { return false }
    misses += 1
    outstanding = 0
    return true
  }

  mutating func sent(now: NIODeadline) {
    outstanding += 1
    lastSent = now
  }

  mutating func answered() {
    outstanding = max(outstanding - 1, 0)
    misses = 0
  }
}
