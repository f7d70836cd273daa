/// A synchronization source: who a packet comes from (RFC 3550 §3).
public struct SSRC: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  public var rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }
  public var description: String { String(rawValue) }
}

/// Which format a packet carries, 0...127, as the session description maps it (RFC 3550 §5.1).
public struct PayloadType: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  public var rawValue: UInt8
  /// The upper bit, which belongs to the marker, is cleared.
  public init(rawValue: UInt8) { self.rawValue = rawValue & 0x7F }
  public init(_ rawValue: UInt8) { self.init(rawValue: rawValue) }
  public var description: String { String(rawValue) }
}

/// The position of a packet in its stream, modulo 65536 (RFC 3550 §5.1).
public struct SequenceNumber: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  public var rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  public init(_ rawValue: UInt16) { self.rawValue = rawValue }
  /// The low 16 bits of an unwrapped number.
  public init(unwrapped: Int64) { rawValue = UInt16(truncatingIfNeeded: unwrapped) }

  /// The number that many packets later.
  public func advanced(by count: Int) -> SequenceNumber {
    SequenceNumber(rawValue &+ UInt16(truncatingIfNeeded: count))
  }

  /// How many packets `other` lies ahead, -32768...32767: the shorter way round.
  public func distance(to other: SequenceNumber) -> Int {
    Int(Int16(bitPattern: other.rawValue &- rawValue))
  }

  /// Whether this packet was sent after `other`, as far as 16 bits can tell.
  public func isNewer(than other: SequenceNumber) -> Bool { other.distance(to: self) > 0 }

  public var description: String { String(rawValue) }
}

/// When the first sample of a packet was taken, in ticks of the format's clock, modulo 2^32 (RFC 3550 §5.1).
public struct RTPTimestamp: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  public var rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  public init(_ rawValue: UInt32) { self.rawValue = rawValue }

  /// How many ticks `other` lies ahead, the shorter way round.
  public func distance(to other: RTPTimestamp) -> Int {
    Int(Int32(bitPattern: other.rawValue &- rawValue))
  }

  public var description: String { String(rawValue) }
}

/// Turns numbers that wrap around into ones that do not: each is taken as the value nearest to the newest seen.
public struct Unwrapper<Raw: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
  private(set) var newest: Int64?

  public init() {}

  /// The unwrapped value of `raw`; the newest one seen moves ahead with it, never back.
  public mutating func unwrap(_ raw: Raw) -> Int64 {
    let value = peek(raw)
    newest = newest.map { max($0, value) } ?? value
    return value
  }

  /// The unwrapped value of `raw` without remembering it.
  public func peek(_ raw: Raw) -> Int64 {
    guard let newest else { return Int64(raw) }
    let ahead = raw &- Raw(truncatingIfNeeded: newest)
    let isBehind = ahead > Raw.max / 2
    return newest &+ Int64(ahead) &- (isBehind ? Int64(Raw.max) + 1 : 0)
  }
}
