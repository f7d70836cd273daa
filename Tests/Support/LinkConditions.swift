public import NIOCore

/// What a network does to the packets on one host's way to the backbone, in each direction by itself. A packet between two
/// hosts goes through the links of both.
public struct LinkConditions: Sendable {
  /// Share of packets lost, 0...1.
  public var loss = 0.0
  /// Time a packet takes.
  public var latency = TimeAmount.milliseconds(5)
  /// Up to this much more, at random; packets may overtake each other.
  public var jitter = TimeAmount.zero
  /// Share of packets that arrive twice, 0...1.
  public var duplication = 0.0
  /// Share of packets held back by ``reorderingDelay``, 0...1.
  public var reordering = 0.0
  public var reorderingDelay = TimeAmount.milliseconds(20)
  /// Bits a second that fit through; nil: any number. Packets queue for their turn.
  public var rate: Int?
  /// Packets that would wait longer than this for their turn are dropped.
  public var queueLimit = TimeAmount.milliseconds(200)
  /// While true nothing gets through.
  public var isDown = false

  public init() {}

  public init(latency: TimeAmount, jitter: TimeAmount = .zero, loss: Double = 0) {
    self.latency = latency
    self.jitter = jitter
    self.loss = loss
  }
}

/// One direction of a link.
struct Link {
  private var busyUntil = NIODeadline.uptimeNanoseconds(0)

  /// When copies of a packet of so many bytes that enters at `time` come out; empty if it is lost.
  mutating func pass(
    bytes: Int, at time: NIODeadline, _ conditions: LinkConditions, using random: inout SeededGenerator
  ) -> [NIODeadline] {
    guard !conditions.isDown, Double.random(in: 0..<1, using: &random) >= conditions.loss else { return [] }
    var leaves = time
    if let rate = conditions.rate {
      let start = max(busyUntil, time)
      guard start - time <= conditions.queueLimit else { return [] }
      leaves = start + .nanoseconds(Int64(bytes) * 8_000_000_000 / Int64(max(rate, 1)))
      busyUntil = leaves
    }
    let copies = Double.random(in: 0..<1, using: &random) < conditions.duplication ? 2 : 1
    return (0..<copies).map { _ in
      let jitter = Int64.random(in: 0...conditions.jitter.nanoseconds, using: &random)
      let isHeldBack = Double.random(in: 0..<1, using: &random) < conditions.reordering
      return leaves + conditions.latency + .nanoseconds(jitter) + (isHeldBack ? conditions.reorderingDelay : .zero)
    }
  }
}
