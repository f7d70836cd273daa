import NIOCore

/// Finds out which packets are missing and when to ask for them (RFC 4585 §6.2.1).
struct NACKGenerator: Sendable {
  /// How patient it is.
  struct Limits: Sendable {
    /// Most packets waited for at a time. A longer gap is given up at once.
    var missing = 512
    /// A packet is missing when this many newer ones came...
    var reorderedPackets: Int64 = 3
    /// ...or this much time passed since the first newer one.
    var reorderDelay = TimeAmount.milliseconds(10)
    /// Most packets asked for at a time, so that the NACK fits into a datagram with others.
    var batch = 128
    /// How often one packet is asked for.
    var requests = 10
    /// After that time it is too late for playing it.
    var patience = TimeAmount.milliseconds(1500)

    init() {}
  }

  private struct Missing: Sendable {
    let sequence: Int64
    let noticed: Int64
    var lastRequest: Int64?
    var requests = 0
  }

  private let limits: Limits
  /// In ascending order of sequence.
  private var missing: [Missing] = []
  private var newest: Int64?
  private var hasGivenUp = false

  init(limits: Limits = Limits()) {
    self.limits = limits
    missing.reserveCapacity(limits.missing)
  }

  var count: Int { missing.count }

  /// Notes a packet that came, first hand or repeated.
  mutating func received(_ sequence: Int64, now: NIODeadline) {
    guard let newest else {
      newest = sequence
      return
    }
    if sequence > newest {
      let gap = sequence &- newest &- 1
      if gap > Int64(limits.missing) {
        missing.removeAll(keepingCapacity: true)
        hasGivenUp = true
      } else if gap > 0 {
        for lost in (newest + 1)..<sequence { missing.append(Missing(sequence: lost, noticed: now.nanoseconds)) }
        if missing.count > limits.missing {
          missing.removeFirst(missing.count - limits.missing)
          hasGivenUp = true
        }
      }
      self.newest = sequence
    } else if let index = missing.firstIndex(where: { $0.sequence >= sequence }), missing[index].sequence == sequence {
      missing.remove(at: index)
    }
  }

  /// Stops waiting for packets before this one: they are of no use any more.
  mutating func forget(before sequence: Int64) {
    let useless = missing.prefix { $0.sequence < sequence }.count
    if useless > 0 { missing.removeFirst(useless) }
  }

  /// Appends the packets to ask for now, in ascending order. Those asked for in vain too often or too long are given up.
  mutating func poll(now: NIODeadline, roundTrip: TimeAmount, into sequences: inout [SequenceNumber]) {
    guard !missing.isEmpty else { return }
    let time = now.nanoseconds
    var kept = 0
    for index in missing.indices {
      var packet = missing[index]
      let isDue = time >= due(packet, roundTrip: roundTrip)
      if time - packet.noticed > limits.patience.nanoseconds || (isDue && packet.requests >= limits.requests) {
        hasGivenUp = true
        continue
      }
      if isDue, sequences.count < limits.batch {
        packet.lastRequest = time
        packet.requests += 1
        sequences.append(SequenceNumber(unwrapped: packet.sequence))
      }
      missing[kept] = packet
      kept += 1
    }
    missing.removeLast(missing.count - kept)
  }

  /// When `poll` has something to do.
  func nextDeadline(roundTrip: TimeAmount) -> NIODeadline? {
    var earliest: Int64?
    for packet in missing {
      let time = due(packet, roundTrip: roundTrip)
      earliest = earliest.map { min($0, time) } ?? time
    }
    return earliest.map { NIODeadline(nanoseconds: $0) }
  }

  /// Whether a packet was given up since the last call.
  mutating func takeGivenUp() -> Bool {
    defer { hasGivenUp = false }
    return hasGivenUp
  }

  private func due(_ packet: Missing, roundTrip: TimeAmount) -> Int64 {
    if let lastRequest = packet.lastRequest {
      // A little more than a round trip, or the answer on its way would be asked for again.
      return lastRequest + max(roundTrip.nanoseconds * 5 / 4, 20 * .millisecond)
    }
    let isOvertaken = (newest ?? 0) - packet.sequence >= limits.reorderedPackets
    return packet.noticed + (isOvertaken ? 0 : limits.reorderDelay.nanoseconds)
  }
}
