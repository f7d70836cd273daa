import NIOCore

/// Notes when the packets of a transport came, and reports it to their sender every ``interval``, so that its bandwidth
/// estimate can rise (draft-holmer-rmcat-transport-wide-cc-extensions-01).
struct TransportFeedbackRecorder: Sendable {
  /// Packets remembered; a jump beyond starts anew.
  static let window = 4096
  /// Most arrivals in one feedback. Keeps it below any MTU: 4 bytes of chunks and 2 of delta each at worst.
  static let maximumArrivals = 150
  static let interval = TimeAmount.milliseconds(50)

  /// Arrival in ticks of 250 µs by sequence number modulo ``window``; `absent` for those that have not come.
  private var arrivals = [Int64](repeating: Self.absent, count: window)
  private static let absent = Int64.min
  private var unwrapper = Unwrapper<UInt16>()
  /// The window covers `newest - window + 1 ... newest`; nothing older than `oldest` was ever noted.
  private var newest: Int64?
  private var oldest: Int64 = 0
  /// First packet of the next report.
  private var nextBase: Int64 = 0
  private var hasNews = false
  private var feedbackCount: UInt8 = 0
  private var lastSent: NIODeadline?

  init() {}

  /// When feedback is due; `nil` while there is nothing new to report.
  var nextDeadline: NIODeadline? {
    hasNews ? lastSent.map { $0 + Self.interval } ?? .uptimeNanoseconds(0) : nil
  }

  /// Notes the arrival of a packet.
  mutating func received(_ transportSequence: UInt16, now: NIODeadline) {
    let sequence = unwrapper.unwrap(transportSequence)
    guard let newest else { return restart(at: sequence, now: now) }
    if sequence > newest {
      guard sequence &- newest < Int64(Self.window) else { return restart(at: sequence, now: now) }
      for skipped in (newest + 1)..<sequence { arrivals[Self.slot(skipped)] = Self.absent }
      self.newest = sequence
      oldest = max(oldest, sequence - Int64(Self.window) + 1)
      nextBase = max(nextBase, oldest)
    } else {
      guard sequence > newest &- Int64(Self.window), arrivals[Self.slot(sequence)] == Self.absent || sequence < oldest
      else { return }
      // Late: report on it again from there, the others' times are still known.
      if sequence < oldest {
        for unknown in sequence..<oldest { arrivals[Self.slot(unknown)] = Self.absent }
        oldest = sequence
      }
      nextBase = min(nextBase, sequence)
    }
    note(sequence, now: now)
  }

  private mutating func restart(at sequence: Int64, now: NIODeadline) {
    for index in arrivals.indices { arrivals[index] = Self.absent }
    newest = sequence
    oldest = sequence
    nextBase = sequence
    note(sequence, now: now)
  }

  private mutating func note(_ sequence: Int64, now: NIODeadline) {
    arrivals[Self.slot(sequence)] = now.nanoseconds / TransportFeedback.tick
    hasNews = true
  }

  private static func slot(_ sequence: Int64) -> Int { Int(sequence & Int64(window - 1)) }

  /// The next feedback packet, if one is due. Call until it gives `nil`.
  mutating func poll(now: NIODeadline, sender: SSRC, media: SSRC) -> TransportFeedback? {
    guard let newest, let due = nextDeadline, due <= now else { return nil }
    let base = nextBase
    var list: [TransportFeedback.Arrival] = []
    var reference: Int64 = 0
    var previous: Int64 = 0
    var sequence = base
    while sequence <= newest, list.count < Self.maximumArrivals {
      let ticks = arrivals[Self.slot(sequence)]
      if ticks != Self.absent {
        if list.isEmpty {
          reference = ticks / TransportFeedback.ticksPerReference
          previous = reference * TransportFeedback.ticksPerReference
        }
        guard TransportFeedback.fits(delta: ticks - previous) else { break }
        let start = reference * TransportFeedback.ticksPerReference
        list.append(TransportFeedback.Arrival(offset: Int(sequence - base), ticks: ticks - start))
        previous = ticks
      }
      sequence += 1
    }
    nextBase = sequence
    // What did not fit goes into another packet at once.
    hasNews = sequence <= newest
    if !hasNews { lastSent = now }
    defer { feedbackCount &+= 1 }
    return TransportFeedback(
      sender: sender, media: media, baseSequence: UInt16(truncatingIfNeeded: base), statusCount: Int(sequence - base),
      referenceTime: UInt32(truncatingIfNeeded: reference) & 0xFF_FFFF, feedbackCount: feedbackCount, arrivals: list)
  }
}
