public import NIOCore

/// What became of one packet we sent, as the peer's transport feedback has it.
public struct PacketResult: Sendable, Equatable {
  /// Bytes, RTP header included.
  public var size: Int
  /// When it left.
  public var sent: NIODeadline
  /// When it came, on the peer's clock in nanoseconds from an arbitrary start; `nil`: lost, as far as is known.
  public var arrival: Int64?

  public init(size: Int, sent: NIODeadline, arrival: Int64?) {
    self.size = size
    self.sent = sent
    self.arrival = arrival
  }
}

/// Remembers the packets sent under transport-wide sequence numbers, to join feedback with them.
struct SentPacketLog: Sendable {
  /// Packets remembered: seconds of any call.
  static let window = 4096

  private struct Entry: Sendable {
    var sequence: Int64 = -1
    var size: Int32 = 0
    var wasAcknowledged = false
    var sent = NIODeadline.uptimeNanoseconds(0)
  }

  private var entries = [Entry](repeating: Entry(), count: window)
  private var next: Int64 = 0
  private var referenceUnwrapper = Unwrapper<UInt32>()

  /// The number for a packet that leaves now; `size` in bytes.
  mutating func register(size: Int, now: NIODeadline) -> UInt16 {
    entries[Int(next & Int64(Self.window - 1))] = Entry(sequence: next, size: Int32(clamping: size), sent: now)
    defer { next += 1 }
    return UInt16(truncatingIfNeeded: next)
  }

  /// Appends the results for packets not acknowledged before, in order of sending.
  mutating func join(_ feedback: TransportFeedback, into results: inout [PacketResult]) {
    guard next > 0 else { return }
    let newest = next - 1
    let ahead = Int64(SequenceNumber(unwrapped: newest).distance(to: SequenceNumber(feedback.baseSequence)))
    let base = newest + ahead
    // 24 bits, stretched to 32 so that they unwrap where 32 do.
    let reference = referenceUnwrapper.unwrap(feedback.referenceTime << 8) >> 8
    let start = reference &* TransportFeedback.ticksPerReference
    var nextArrival = 0
    for offset in 0..<feedback.statusCount {
      var arrival: TransportFeedback.Arrival?
      if nextArrival < feedback.arrivals.count, feedback.arrivals[nextArrival].offset == offset {
        arrival = feedback.arrivals[nextArrival]
        nextArrival += 1
      }
      let sequence = base + Int64(offset)
      guard sequence <= newest else { break }
      guard sequence >= 0, newest - sequence < Int64(Self.window) else { continue }
      let index = Int(sequence & Int64(Self.window - 1))
      guard entries[index].sequence == sequence, !entries[index].wasAcknowledged else { continue }
      entries[index].wasAcknowledged = arrival != nil
      results.append(
        PacketResult(
          size: Int(entries[index].size), sent: entries[index].sent,
          arrival: arrival.map { (start &+ $0.ticks) &* TransportFeedback.tick }))
    }
  }
}
