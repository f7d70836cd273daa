public import NIOCore

/// Puts received Opus packets in order and gives one whenever the audio thread needs the next sound. Pure; owned by the
/// audio thread. Signatures first: bodies are being written.
public struct AudioJitterBuffer: Sendable {
  /// What to hear next. `samples` are of 48 kHz, the duration this step stands for: 960 for the usual 20 ms. The caller
  /// calls `next` again while it has decoded less than a period.
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

  public struct Counters: Sendable, Equatable {
    public var received = 0, played = 0, recoveredByFEC = 0, concealed = 0, late = 0, duplicates = 0
    /// Packets left out to lower the delay; periods of concealment put in to raise it; restarts after jumps or overflow.
    public var dropped = 0, expanded = 0, flushes = 0
  }

  public init() {}
  public mutating func insert(_ packet: ReceivedAudioPacket) {}
  public mutating func next(now: NIODeadline) -> Output { .silence(samples: 960) }
  /// RTP timestamp of the first sample the next call will give, for `reportAudioPlayout`; `nil` while filling up.
  public var playoutTimestamp: RTPTimestamp? { nil }
  /// Sound buffered ahead, and what the buffer aims at.
  public var delay: TimeAmount { .zero }
  public var targetDelay: TimeAmount { .zero }
  public private(set) var counters = Counters()
}
