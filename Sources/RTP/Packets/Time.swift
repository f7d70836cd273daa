public import NIOCore

/// A time as sender reports carry it: seconds in 32.32 fixed point (RFC 3550 §4). Ours count from the start of the
/// monotonic clock, which that section allows; only differences mean anything to a peer.
public struct NTPTime: RawRepresentable, Sendable, Hashable {
  public var rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Our own clock's reading.
  public init(_ time: NIODeadline) {
    let (seconds, rest) = time.uptimeNanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    rawValue = seconds << 32 | (rest << 32) / 1_000_000_000
  }

  /// The middle 32 bits, which report blocks send back (RFC 3550 §6.4.1, LSR).
  public var middle: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 16) }

  /// Nanoseconds from this time to `other`, for times less than 68 years apart.
  func nanoseconds(to other: NTPTime) -> Int64 {
    let difference = Int64(bitPattern: other.rawValue &- rawValue)
    let seconds = difference >> 32
    let fraction = difference & 0xFFFF_FFFF
    return seconds &* 1_000_000_000 &+ (fraction &* 1_000_000_000) >> 32
  }
}

extension NIODeadline {
  /// Nanoseconds on the monotonic clock.
  var nanoseconds: Int64 { Int64(truncatingIfNeeded: uptimeNanoseconds) }

  /// - Parameter nanoseconds: on the monotonic clock; a time before its start becomes the start.
  init(nanoseconds: Int64) {
    self = .uptimeNanoseconds(UInt64(max(0, nanoseconds)))
  }
}

extension Int64 {
  static let millisecond: Int64 = 1_000_000
  static let second: Int64 = 1_000_000_000

  /// Ticks of a clock as nanoseconds. Wraps instead of trapping for spans no stream can have.
  static func nanoseconds(ticks: Int64, clockRate: Int64) -> Int64 {
    let (seconds, rest) = ticks.quotientAndRemainder(dividingBy: clockRate)
    return seconds &* second &+ rest &* second / clockRate
  }

  /// Nanoseconds as ticks of a clock.
  static func ticks(nanoseconds: Int64, clockRate: Int64) -> Int64 {
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: second)
    return seconds &* clockRate &+ rest &* clockRate / second
  }
}
