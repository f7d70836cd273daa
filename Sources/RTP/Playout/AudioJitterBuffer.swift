import Frames
public import NIOCore

/// Puts received Opus packets in order and gives one whenever the audio thread needs the next sound.
///
/// The delay follows the jitter: it is long enough for all but a few packets to come in time. When it is too long a
/// packet is left out, preferably a quiet one; when it is too short a concealed period is put in. Pure; owned by the
/// audio thread. Allocates nothing once made.
public struct AudioJitterBuffer: Sendable {
  /// What to hear next. `samples` (of 48 kHz) is the duration this step stands for: 960 for the usual 20 ms. Call
  /// ``next(now:)`` again while less than a period has been decoded.
  public enum Output: Sendable {
    /// Decode this packet.
    case packet(ByteBuffer, samples: Int)
    /// The packet for now is lost: decode the in-band FEC (LBRR) that this later packet carries of it.
    case fec(ByteBuffer, samples: Int)
    /// Lost or late: let the decoder conceal.
    case conceal(samples: Int)
    /// Nothing to hear: filling up, or the sender is silent.
    case silence(samples: Int)
  }

  /// What happened since the start, in packets or periods.
  public struct Counters: Sendable, Equatable {
    public var received = 0
    public var played = 0
    public var recoveredByFEC = 0
    /// Periods the decoder had to make up.
    public var concealed = 0
    /// Packets that came after their time, or twice.
    public var late = 0
    public var duplicates = 0
    /// Packets left out to lower the delay.
    public var dropped = 0
    /// Concealed periods put in to raise the delay; counted in `concealed` too.
    public var expanded = 0
    /// Restarts after a jump of the stream's numbers or an overflow.
    public var flushes = 0
  }

  /// Packets held at most.
  static let capacity = 128
  /// The delay never aims at more for jitter's sake.
  static let longestTarget = 400 * Int64.millisecond
  /// Lateness reckoned with before any was measured.
  static let expectedLateness = 30 * Int64.millisecond
  /// A hole in the timestamps beyond that is not concealed but waited out.
  static let longestGap = ClockRate.audio
  /// How far the delay may be off before something is done: less in quiet passages (RFC 6464 level), where it goes
  /// unheard.
  static let quietTolerance = 20 * Int64.millisecond
  static let tolerance = 60 * Int64.millisecond
  /// So far off, corrections follow each other without a pause.
  static let urgency = 200 * Int64.millisecond
  static let quietLevel: UInt8 = 50
  /// Pause between two corrections.
  static let correctionInterval = 200 * Int64.millisecond
  /// Periods made up in a row before there is silence; more after a packet that announced silence (Opus DTX).
  static let concealmentRun = 5
  static let silentConcealmentRun = 25

  private struct Entry: Sendable {
    /// `Int64.min` in an empty place.
    var sequence = Int64.min
    var timestamp = RTPTimestamp(0)
    var payload = ByteBuffer()
    var samples = 0
    var isQuiet = false
  }

  private var entries = [Entry](repeating: Entry(), count: capacity)
  private var held = 0
  private var ssrc: SSRC?
  private var unwrapper = Unwrapper<UInt16>()
  private var tracker = TransitTracker(clockRate: ClockRate.audio)
  private var histogram = JitterHistogram(expecting: expectedLateness)
  private var lipSyncDelay: Int64 = 0

  /// The packet to play next; `nil` before the first one.
  private var expected: Int64?
  /// Whether sound is being gathered before it is played.
  private var isFilling = true
  private var position = RTPTimestamp(0)
  /// Duration of the last packet played, samples.
  private var duration = AudioFormat.periodSamples
  private var concealedInRow = 0
  private var wasSilent = false
  /// Samples made up while nothing was there, which the position has not moved over.
  private var madeUp = 0
  private var lastCorrection: Int64 = .min / 2
  private var presentDelay: Int64 = 0

  public private(set) var counters = Counters()

  public init() {}

  /// RTP timestamp of the first sample that the next call will give, for lip sync; `nil` while filling up.
  public var playoutTimestamp: RTPTimestamp? { isFilling ? nil : position }

  /// How far behind the fastest packets the sound is.
  public var delay: TimeAmount { .nanoseconds(presentDelay) }

  /// Packets held.
  var heldPackets: Int { held }

  /// What ``delay`` is to be.
  public var targetDelay: TimeAmount { .nanoseconds(target) }

  private var target: Int64 {
    let period = Int64.nanoseconds(ticks: Int64(duration), clockRate: Int64(ClockRate.audio))
    return min(histogram.usualLateness + period, Self.longestTarget) + lipSyncDelay
  }
}

// MARK: Taking packets

extension AudioJitterBuffer {
  /// Takes a packet, in any order.
  public mutating func insert(_ packet: ReceivedAudioPacket) {
    counters.received += 1
    lipSyncDelay = min(max(packet.lipSyncDelay.nanoseconds, 0), LipSync.longest)
    let sequence = unwrapper.unwrap(packet.sequenceNumber.rawValue)
    guard ssrc == packet.ssrc, isNear(sequence),
      let lateness = tracker.arrived(packet.timestamp, now: packet.arrival)
    else { return start(with: packet) }
    histogram.add(lateness)
    if let expected, sequence < expected {
      counters.late += 1
    } else {
      store(packet, sequence)
    }
  }

  /// Whether the packet can be held together with those around it.
  private func isNear(_ sequence: Int64) -> Bool {
    guard let anchor = expected ?? first?.sequence else { return true }
    return abs(sequence - anchor) < Int64(Self.capacity)
  }

  /// The stream starts here: for the first time, after a jump of its numbers, or after nobody had taken anything.
  private mutating func start(with packet: ReceivedAudioPacket) {
    if ssrc != nil { counters.flushes += 1 }
    ssrc = packet.ssrc
    for index in entries.indices { entries[index] = Entry() }
    held = 0
    expected = nil
    isFilling = true
    madeUp = 0
    concealedInRow = 0
    unwrapper = Unwrapper()
    tracker = TransitTracker(clockRate: ClockRate.audio)
    _ = tracker.arrived(packet.timestamp, now: packet.arrival)
    store(packet, unwrapper.unwrap(packet.sequenceNumber.rawValue))
  }

  private mutating func store(_ packet: ReceivedAudioPacket, _ sequence: Int64) {
    let slot = Self.slot(sequence)
    guard entries[slot].sequence != sequence else {
      counters.duplicates += 1
      return
    }
    if entries[slot].sequence == .min { held += 1 }
    entries[slot] = Entry(
      sequence: sequence, timestamp: packet.timestamp, payload: packet.payload,
      samples: OpusPacket.samples(packet.payload) ?? duration,
      isQuiet: packet.level.map { $0 >= Self.quietLevel } ?? false)
  }

  private static func slot(_ sequence: Int64) -> Int { Int(sequence & Int64(capacity - 1)) }

  /// The oldest packet held.
  private var first: Entry? {
    guard held > 0 else { return nil }
    if let expected {
      for sequence in expected..<(expected + Int64(Self.capacity)) {
        let entry = entries[Self.slot(sequence)]
        if entry.sequence == sequence { return entry }
      }
    }
    return entries.lazy.filter { $0.sequence != .min }.min { $0.sequence < $1.sequence }
  }

  private mutating func remove(_ entry: Entry) {
    entries[Self.slot(entry.sequence)] = Entry()
    held -= 1
  }
}

// MARK: Giving sound

extension AudioJitterBuffer {
  /// What to hear next. Call it whenever less than a period of sound is left to play.
  public mutating func next(now: NIODeadline) -> Output {
    let time = now.nanoseconds
    guard let head = first else { return nothingHeld() }
    guard !isFilling, let expected else {
      // Filling up: the first packet is held back until it is as late as any is likely to be.
      presentDelay = time - tracker.fastestArrival(of: head.timestamp)
      guard presentDelay >= target else { return .silence(samples: duration) }
      return play(head)
    }
    if head.sequence > expected { coverWithMadeUp(until: head) }
    let gap = position.distance(to: head.timestamp)
    presentDelay = time - tracker.fastestArrival(of: position)
    guard gap <= Self.longestGap else {
      isFilling = true
      return .silence(samples: duration)
    }
    if head.sequence > expected, gap > 0 { return recover(before: head, gap: gap) }
    // In sequence but not yet due: the sender was silent in between.
    if gap > 0, time - tracker.fastestArrival(of: head.timestamp) < target {
      return conceal(min(duration, gap), moving: true)
    }
    return correctDelay(head, time: time) ?? play(head)
  }

  private mutating func play(_ entry: Entry) -> Output {
    remove(entry)
    expected = entry.sequence + 1
    isFilling = false
    position = RTPTimestamp(entry.timestamp.rawValue &+ UInt32(entry.samples))
    duration = entry.samples
    // RFC 6716 §2.1.9: during silence the encoder sends packets of a byte or two only.
    wasSilent = entry.payload.readableBytes <= 2
    concealedInRow = 0
    madeUp = 0
    counters.played += 1
    return .packet(entry.payload, samples: entry.samples)
  }

  /// Nothing to play: make something up and stay where we are, so that a late packet is still of use.
  private mutating func nothingHeld() -> Output {
    guard !isFilling else { return .silence(samples: duration) }
    guard concealedInRow < (wasSilent ? Self.silentConcealmentRun : Self.concealmentRun) else {
      isFilling = true
      madeUp = 0
      return .silence(samples: duration)
    }
    madeUp += duration
    return conceal(duration, moving: false)
  }

  /// Packets before `head` will not come: what was made up meanwhile stands for them.
  private mutating func coverWithMadeUp(until head: Entry) {
    let covered = min(madeUp, max(0, position.distance(to: head.timestamp)))
    position = RTPTimestamp(position.rawValue &+ UInt32(covered))
    madeUp = 0
  }

  /// The packets before `head` are lost: the last of them is in its FEC, if the sender adds that.
  private mutating func recover(before head: Entry, gap: Int) -> Output {
    guard gap <= head.samples else { return conceal(min(duration, gap), moving: true) }
    expected = head.sequence
    position = head.timestamp
    concealedInRow = 0
    counters.recoveredByFEC += 1
    return .fec(head.payload, samples: gap)
  }

  private mutating func conceal(_ samples: Int, moving: Bool) -> Output {
    if moving { position = RTPTimestamp(position.rawValue &+ UInt32(samples)) }
    concealedInRow += 1
    guard concealedInRow <= (wasSilent ? Self.silentConcealmentRun : Self.concealmentRun) else {
      return .silence(samples: samples)
    }
    counters.concealed += 1
    return .conceal(samples: samples)
  }

  /// Brings the delay nearer to its target by leaving out `head` or by waiting a period before it.
  private mutating func correctDelay(_ head: Entry, time: Int64) -> Output? {
    let excess = presentDelay - target
    let tolerance = head.isQuiet ? Self.quietTolerance : Self.tolerance
    guard abs(excess) > tolerance, time - lastCorrection >= Self.correctionInterval || abs(excess) > Self.urgency
    else { return nil }
    if excess < 0 {
      lastCorrection = time
      counters.expanded += 1
      return conceal(duration, moving: false)
    }
    let following = entries[Self.slot(head.sequence + 1)]
    guard following.sequence == head.sequence + 1 else { return nil }
    lastCorrection = time
    remove(head)
    counters.dropped += 1
    return play(following)
  }
}
