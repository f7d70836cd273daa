import DequeModule
import NIOCore

/// What was sent lately, to answer NACKs from. A packet is remembered as a share of its frame's bytes, so remembering
/// copies nothing.
struct PacketHistory: Sendable {
  /// A packet that can be made again.
  struct Entry: Sendable {
    let sequence: SequenceNumber
    let timestamp: RTPTimestamp
    let fragment: VP8Packetizer.Fragment
    fileprivate(set) var lastSent: NIODeadline
    fileprivate(set) var resends = 0
  }

  /// Bounds on what is kept; the oldest go first.
  struct Limits: Sendable {
    var packets = 2048
    var bytes = 4_000_000
    /// How often one packet is sent again at most.
    var resends = 10

    init() {}
  }

  private let limits: Limits
  private var entries: Deque<Entry>
  private(set) var bytes = 0

  init(limits: Limits = Limits()) {
    self.limits = limits
    entries = Deque(minimumCapacity: limits.packets)
  }

  var count: Int { entries.count }

  /// Remembers a packet; its sequence number follows that of the one before.
  mutating func append(
    sequence: SequenceNumber, timestamp: RTPTimestamp, fragment: VP8Packetizer.Fragment, now: NIODeadline
  ) {
    entries.append(Entry(sequence: sequence, timestamp: timestamp, fragment: fragment, lastSent: now))
    bytes += fragment.length
    while entries.count > limits.packets || bytes > limits.bytes, let oldest = entries.popFirst() {
      bytes -= oldest.fragment.length
    }
  }

  /// The packet to send again, or `nil`: it is not remembered, or was sent less than `interval` ago, so that the NACK
  /// cannot be about the last copy.
  mutating func resend(_ sequence: SequenceNumber, interval: TimeAmount, now: NIODeadline) -> Entry? {
    guard let first = entries.first else { return nil }
    let index = first.sequence.distance(to: sequence)
    guard entries.indices.contains(index), entries[index].resends < limits.resends,
      now.nanoseconds - entries[index].lastSent.nanoseconds >= interval.nanoseconds
    else { return nil }
    entries[index].lastSent = now
    entries[index].resends += 1
    return entries[index]
  }
}
