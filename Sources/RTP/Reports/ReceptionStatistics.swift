import NIOCore

/// Counts what came of one stream, for report blocks (RFC 3550 §6.4.1, A.1, A.3, A.8), and turns its sequence numbers
/// into ones that do not wrap.
struct ReceptionStatistics: Sendable {
  /// What a packet's sequence number means.
  enum Verdict: Sendable, Equatable {
    /// It belongs to the stream; unwrapped.
    case accepted(Int64)
    /// The stream starts here, for the first time or anew after a jump; nothing before it matters.
    case restarted(Int64)
    /// Far from where the stream is, and nothing confirms it yet.
    case rejected
  }

  /// Numbers ahead by more are taken for a jump, and confirmed by the next packet in sequence (RFC 3550 A.1).
  static let maximumDropout = 3000
  /// Numbers behind by more, likewise. Wider than the RFC's 100, since packets are sent again here.
  static let maximumMisorder = 1024

  private let clockRate: Int
  private var first: Int64 = 0
  private(set) var highest: Int64?
  private var confirming: UInt16?

  private(set) var packetsReceived = 0
  private(set) var bytesReceived = 0
  /// Those received before the last restart, and expected then.
  private var receivedSinceStart: Int64 = 0
  private var expectedPrior: Int64 = 0
  private var receivedPrior: Int64 = 0

  private var lastTransit: UInt32?
  /// Interarrival jitter in 1/16 ticks (A.8).
  private var scaledJitter: UInt32 = 0

  private var lastReport: (middle: UInt32, arrival: NIODeadline)?

  /// - Parameter clockRate: ticks a second of the stream's timestamps.
  init(clockRate: Int) {
    self.clockRate = clockRate
  }

  /// Expected minus received since the stream started.
  var packetsLost: Int {
    guard let highest else { return 0 }
    return Int(clamping: highest - first + 1 - receivedSinceStart)
  }

  /// Seconds.
  var jitter: Double { Double(scaledJitter >> 4) / Double(clockRate) }

  /// Takes note of a packet as it came off the network. `size` in bytes, payload only.
  mutating func received(
    _ sequence: SequenceNumber, timestamp: RTPTimestamp, size: Int, now: NIODeadline
  ) -> Verdict {
    let verdict = judge(sequence)
    if case .rejected = verdict { return verdict }
    packetsReceived += 1
    bytesReceived += size
    receivedSinceStart += 1
    updateJitter(timestamp, now: now)
    return verdict
  }

  /// The unwrapped number of a packet that came by another way (RTX), if it can be one of the stream.
  func unwrap(_ sequence: SequenceNumber) -> Int64? {
    guard let highest else { return nil }
    let distance = SequenceNumber(unwrapped: highest).distance(to: sequence)
    guard (-Self.maximumDropout...Self.maximumDropout).contains(distance) else { return nil }
    return highest + Int64(distance)
  }

  private mutating func judge(_ sequence: SequenceNumber) -> Verdict {
    guard let highest else { return restart(at: Int64(sequence.rawValue)) }
    let distance = SequenceNumber(unwrapped: highest).distance(to: sequence)
    if (-Self.maximumMisorder...Self.maximumDropout).contains(distance) {
      confirming = nil
      let value = highest + Int64(distance)
      self.highest = max(highest, value)
      return .accepted(value)
    }
    if confirming == sequence.rawValue {
      confirming = nil
      // Upwards, so that unwrapped numbers of before and after the jump are never confused.
      return restart(at: (highest >> 16 + 1) << 16 | Int64(sequence.rawValue))
    }
    confirming = sequence.rawValue &+ 1
    return .rejected
  }

  private mutating func restart(at sequence: Int64) -> Verdict {
    first = sequence
    highest = sequence
    receivedSinceStart = 0
    expectedPrior = 0
    receivedPrior = 0
    lastTransit = nil
    return .restarted(sequence)
  }

  private mutating func updateJitter(_ timestamp: RTPTimestamp, now: NIODeadline) {
    let arrival = UInt32(truncatingIfNeeded: Int64.ticks(nanoseconds: now.nanoseconds, clockRate: Int64(clockRate)))
    let transit = arrival &- timestamp.rawValue
    defer { lastTransit = transit }
    guard let lastTransit else { return }
    let difference = Int32(bitPattern: transit &- lastTransit).magnitude
    // A timestamp jump is no jitter; one second is beyond any.
    guard difference <= UInt32(clockRate) else { return }
    scaledJitter = scaledJitter &+ difference &- ((scaledJitter &+ 8) >> 4)
  }

  /// Takes note of a sender report of the stream.
  mutating func received(_ report: SenderReport, now: NIODeadline) {
    lastReport = (report.time.middle, now)
  }

  /// A report block on everything since the last one; `nil` before the first packet.
  mutating func makeReportBlock(ssrc: SSRC, now: NIODeadline) -> ReportBlock? {
    guard let highest else { return nil }
    let expected = highest - first + 1
    let expectedInterval = expected - expectedPrior
    let lostInterval = expectedInterval - (receivedSinceStart - receivedPrior)
    expectedPrior = expected
    receivedPrior = receivedSinceStart
    let fraction = expectedInterval > 0 && lostInterval > 0 ? min(255, lostInterval << 8 / expectedInterval) : 0
    return ReportBlock(
      ssrc: ssrc, fractionLost: UInt8(fraction), packetsLost: Int32(clamping: expected - receivedSinceStart),
      highestSequence: UInt32(truncatingIfNeeded: highest), jitter: scaledJitter >> 4,
      lastSenderReport: lastReport?.middle ?? 0,
      delaySinceLastSenderReport: lastReport.map { Self.delay(since: $0.arrival, now: now) } ?? 0)
  }

  /// In 1/65536 s.
  private static func delay(since arrival: NIODeadline, now: NIODeadline) -> UInt32 {
    let nanoseconds = UInt64(max(0, now.nanoseconds - arrival.nanoseconds))
    return UInt32(clamping: (nanoseconds / 1000) << 16 / 1_000_000)
  }
}

extension ReceptionStatistics {
  func count(into counters: inout MediaStatistics.Receiver) {
    counters.packetsReceived = packetsReceived
    counters.bytesReceived = bytesReceived
    counters.packetsLost = packetsLost
    counters.jitter = jitter
  }
}
