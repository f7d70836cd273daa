public import NIOCore

/// A rate by measured loss and REMB alone: up while less than 2 % is lost, down while more than 10 % is
/// (the loss-based half of draft-ietf-rmcat-gcc-02 §6).
public struct SendRateController: BandwidthEstimator, Sendable {
  /// Loss is judged over that much time.
  static let period = TimeAmount.seconds(1)
  /// A window of feedback with fewer packets says nothing.
  static let fewestPackets = 10
  /// Growth in one period, and the least of it in bits a second.
  static let growth = 1.08
  static let leastGrowth = 1000.0

  private let limits: BitrateLimits
  private var rate: Double
  private var cap: Int?
  private var lastChange: NIODeadline?
  /// Counts of the running period, from transport feedback.
  private var arrived = 0
  private var lost = 0
  private var usesTransportFeedback = false

  public init(_ limits: BitrateLimits) {
    self.limits = limits
    rate = Double(limits.start)
  }

  public var targetBitrate: Int {
    max(limits.minimum, min(Int(rate), cap ?? limits.maximum, limits.maximum))
  }

  public mutating func packetSent(size: Int, now: NIODeadline) {}

  public mutating func transportFeedback(_ results: [PacketResult], now: NIODeadline) {
    usesTransportFeedback = true
    for result in results {
      if result.arrival != nil { arrived += 1 } else { lost += 1 }
    }
    let total = arrived + lost
    guard total >= Self.fewestPackets, isPeriodOver(now) else { return }
    adjust(loss: Double(lost) / Double(total), now: now)
    arrived = 0
    lost = 0
  }

  public mutating func lossReported(_ fraction: Double, now: NIODeadline) {
    // Feedback about every packet says the same with less delay.
    guard !usesTransportFeedback, isPeriodOver(now) else { return }
    adjust(loss: fraction, now: now)
  }

  public mutating func maximumReported(_ bitrate: Int, now: NIODeadline) {
    cap = bitrate
  }

  public mutating func roundTripMeasured(_ roundTrip: TimeAmount, now: NIODeadline) {}

  private mutating func isPeriodOver(_ now: NIODeadline) -> Bool {
    guard let lastChange else {
      lastChange = now
      return false
    }
    return now.nanoseconds - lastChange.nanoseconds >= Self.period.nanoseconds
  }

  private mutating func adjust(loss: Double, now: NIODeadline) {
    lastChange = now
    if loss > 0.10 {
      rate *= 1 - 0.5 * min(loss, 1)
    } else if loss < 0.02 {
      rate = rate * Self.growth + Self.leastGrowth
    }
    rate = min(max(rate, Double(limits.minimum)), Double(limits.maximum))
  }
}
