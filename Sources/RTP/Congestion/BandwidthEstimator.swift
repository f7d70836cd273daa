public import NIOCore

/// Decides how much may be sent. Everything that is known about the path comes in; a target comes out.
public protocol BandwidthEstimator {
  /// A packet leaves; `size` in bytes.
  mutating func packetSent(size: Int, now: NIODeadline)
  /// Transport feedback came: what became of packets, in order of sending. A packet reported lost may come up again as
  /// arrived.
  mutating func transportFeedback(_ results: [PacketResult], now: NIODeadline)
  /// A report block came: the share of packets lost since the one before, 0...1.
  mutating func lossReported(_ fraction: Double, now: NIODeadline)
  /// The peer's own limit came (REMB), in bits a second.
  mutating func maximumReported(_ bitrate: Int, now: NIODeadline)
  /// The round trip was measured.
  mutating func roundTripMeasured(_ roundTrip: TimeAmount, now: NIODeadline)
  /// What all streams together may send, in bits a second.
  var targetBitrate: Int { get }
}

/// Bounds of a send rate in bits a second.
public struct BitrateLimits: Sendable, Equatable {
  public var minimum: Int
  public var start: Int
  public var maximum: Int

  /// - Precondition: none; values out of order are put in order, and are at least 1.
  public init(minimum: Int, start: Int, maximum: Int) {
    self.minimum = max(1, minimum)
    self.maximum = max(self.minimum, maximum)
    self.start = min(max(start, self.minimum), self.maximum)
  }
}
