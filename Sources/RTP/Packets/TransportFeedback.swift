import NIOCore

/// Which packets of a range of transport-wide sequence numbers came, and when
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
public struct TransportFeedback: Sendable, Equatable {
  public var sender: SSRC
  public var media: SSRC
  /// Sequence number of the first packet reported on.
  public var baseSequence: UInt16
  /// How many packets are reported on; those not in `arrivals` have not come.
  public var statusCount: Int
  /// In units of 64 ms of the receiver's clock, 24 bits, wrapping.
  public var referenceTime: UInt32
  /// Counts feedback packets, so that lost ones are noticed.
  public var feedbackCount: UInt8
  /// In ascending order of `offset`.
  public var arrivals: [Arrival]

  /// One packet that came.
  public struct Arrival: Sendable, Equatable {
    /// From the base sequence, 0..<`statusCount`.
    public var offset: Int
    /// From the reference time in units of 250 µs.
    public var ticks: Int64

    public init(offset: Int, ticks: Int64) {
      self.offset = offset
      self.ticks = ticks
    }
  }

  /// Nanoseconds in one unit of ``Arrival/ticks``.
  static let tick: Int64 = 250_000
  /// Units of `ticks` in one of `referenceTime`.
  static let ticksPerReference: Int64 = 256

  public init(
    sender: SSRC, media: SSRC, baseSequence: UInt16, statusCount: Int, referenceTime: UInt32, feedbackCount: UInt8,
    arrivals: [Arrival]
  ) {
    self.sender = sender
    self.media = media
    self.baseSequence = baseSequence
    self.statusCount = statusCount
    self.referenceTime = referenceTime
    self.feedbackCount = feedbackCount
    self.arrivals = arrivals
  }

  /// A packet's status in the chunks.
  private enum Symbol {
    static let missing: UInt8 = 0
    static let smallDelta: UInt8 = 1
    static let largeDelta: UInt8 = 2
  }
}

// MARK: Reading

extension TransportFeedback {
  /// Reads what follows the feedback header. The arrivals are bounded by the bytes there are: each has a delta.
  init(sender: SSRC, media: SSRC, reading body: inout ByteBuffer) throws(RTPError) {
    guard let (base, count, reference) = body.readMultipleIntegers(as: (UInt16, UInt16, UInt32).self) else {
      throw .truncated("transport feedback header")
    }
    guard count > 0 else { throw .malformed("transport feedback without packets") }
    self.init(
      sender: sender, media: media, baseSequence: base, statusCount: Int(count), referenceTime: reference >> 8,
      feedbackCount: UInt8(truncatingIfNeeded: reference), arrivals: [])
    // The offsets are found first, with the kind of delta in `ticks`; then come the deltas.
    try readChunks(&body)
    var time: Int64 = 0
    for index in arrivals.indices {
      if arrivals[index].ticks == Int64(Symbol.smallDelta) {
        guard let delta: UInt8 = body.readInteger() else { throw .truncated("transport feedback deltas") }
        time += Int64(delta)
      } else {
        guard let delta: Int16 = body.readInteger() else { throw .truncated("transport feedback deltas") }
        time += Int64(delta)
      }
      arrivals[index].ticks = time
    }
  }

  private mutating func readChunks(_ body: inout ByteBuffer) throws(RTPError) {
    let mostArrivals = body.readableBytes
    var offset = 0
    func add(_ symbol: UInt8, to arrivals: inout [Arrival]) throws(RTPError) {
      defer { offset += 1 }
      guard offset < statusCount, symbol != Symbol.missing else { return }
      guard symbol <= Symbol.largeDelta else { throw .malformed("transport feedback status") }
      guard arrivals.count < mostArrivals else { throw .truncated("transport feedback deltas") }
      arrivals.append(Arrival(offset: offset, ticks: Int64(symbol)))
    }
    var found: [Arrival] = []
    while offset < statusCount {
      guard let chunk: UInt16 = body.readInteger() else { throw .truncated("transport feedback chunks") }
      if chunk & 0x8000 == 0 {
        let symbol = UInt8(chunk >> 13 & 3)
        let run = Int(chunk & 0x1FFF)
        guard run > 0 else { throw .malformed("transport feedback run") }
        if symbol == Symbol.missing {
          offset += run
        } else {
          for _ in 0..<min(run, statusCount - offset) { try add(symbol, to: &found) }
        }
      } else if chunk & 0x4000 == 0 {
        for bit in 0..<14 { try add(UInt8(chunk >> (13 - bit) & 1), to: &found) }
      } else {
        for pair in 0..<7 { try add(UInt8(chunk >> (12 - 2 * pair) & 3), to: &found) }
      }
    }
    arrivals = found
  }
}

// MARK: Writing

extension TransportFeedback {
  /// Whether a delta of that many ticks can be written at all.
  static func fits(delta: Int64) -> Bool { Int64(Int16.min)...Int64(Int16.max) ~= delta }

  /// Writes the packet after its common header. Deltas that do not fit are clamped; whoever builds the value takes care
  /// that there are none.
  func write(into buffer: inout ByteBuffer) {
    buffer.writeMultipleIntegers(
      sender.rawValue, media.rawValue, baseSequence, UInt16(truncatingIfNeeded: statusCount),
      referenceTime << 8 | UInt32(feedbackCount))
    var symbols = [UInt8](repeating: Symbol.missing, count: statusCount)
    forEachDelta { offset, delta in
      symbols[offset] = 0...255 ~= delta ? Symbol.smallDelta : Symbol.largeDelta
    }
    Self.writeChunks(symbols, into: &buffer)
    forEachDelta { _, delta in
      if 0...255 ~= delta {
        buffer.writeInteger(UInt8(delta))
      } else {
        buffer.writeInteger(Int16(clamping: delta))
      }
    }
  }

  private func forEachDelta(_ body: (_ offset: Int, _ delta: Int64) -> Void) {
    var previous: Int64 = 0
    for arrival in arrivals where 0..<statusCount ~= arrival.offset {
      body(arrival.offset, arrival.ticks - previous)
      previous = arrival.ticks
    }
  }

  /// Packs greedily: of a run of equal symbols (§3.1.3) and vectors of one and two bits (§3.1.4), whichever covers most.
  private static func writeChunks(_ symbols: [UInt8], into buffer: inout ByteBuffer) {
    var index = 0
    while index < symbols.count {
      let rest = symbols[index...]
      let run = rest.prefix(0x1FFF).prefix { $0 == rest.first }.count
      let hasLargeDelta = rest.prefix(14).contains(Symbol.largeDelta)
      let vector = min(rest.count, hasLargeDelta ? 7 : 14)
      if run >= vector {
        buffer.writeInteger(UInt16(symbols[index]) << 13 | UInt16(run))
        index += run
      } else {
        var chunk: UInt16 = hasLargeDelta ? 0xC000 : 0x8000
        for (position, symbol) in rest.prefix(vector).enumerated() {
          chunk |= UInt16(symbol) << (hasLargeDelta ? 12 - 2 * position : 13 - position)
        }
        buffer.writeInteger(chunk)
        index += vector
      }
    }
  }
}
