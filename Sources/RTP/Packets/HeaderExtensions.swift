import NIOCore

/// Which identifier each header extension we know has in a session (`a=extmap`, RFC 8285 §5), 1...255; `nil` when it was
/// not negotiated.
public struct HeaderExtensionMap: Sendable, Equatable {
  /// The mid of the packet's m-section (RFC 9143 §15).
  public var mid: UInt8?
  /// Transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01).
  public var transportSequence: UInt8?
  /// Absolute send time.
  public var absoluteSendTime: UInt8?
  /// Loudness of the sound in the packet (RFC 6464).
  public var audioLevel: UInt8?

  public init(
    mid: UInt8? = nil, transportSequence: UInt8? = nil, absoluteSendTime: UInt8? = nil, audioLevel: UInt8? = nil
  ) {
    self.mid = mid
    self.transportSequence = transportSequence
    self.absoluteSendTime = absoluteSendTime
    self.audioLevel = audioLevel
  }

  public static let midURI = "urn:ietf:params:rtp-hdrext:sdes:mid"
  public static let transportSequenceURI =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
  public static let absoluteSendTimeURI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
  public static let audioLevelURI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

  /// Takes one `a=extmap` line.
  /// - Returns: whether the extension is one we know and `id` one that can be used.
  @discardableResult
  public mutating func add(uri: String, id: Int) -> Bool {
    // RFC 8285 §4.2: 0 is padding, 15 is reserved in the one-byte form.
    guard (1...255).contains(id), id != 15 else { return false }
    switch uri {
    case Self.midURI: mid = UInt8(id)
    case Self.transportSequenceURI: transportSequence = UInt8(id)
    case Self.absoluteSendTimeURI: absoluteSendTime = UInt8(id)
    case Self.audioLevelURI: audioLevel = UInt8(id)
    default: return false
    }
    return true
  }
}

extension HeaderExtensionMap {
  /// Takes over what `other` has and this one lacks.
  mutating func merge(_ other: HeaderExtensionMap) {
    mid = mid ?? other.mid
    transportSequence = transportSequence ?? other.transportSequence
    absoluteSendTime = absoluteSendTime ?? other.absoluteSendTime
    audioLevel = audioLevel ?? other.audioLevel
  }
}

/// The values of the extensions of one packet that we know.
public struct HeaderExtensionValues: Sendable, Equatable {
  public var mid: String?
  public var transportSequence: UInt16?
  /// Seconds in 6.18 fixed point, modulo 64 s.
  public var absoluteSendTime: UInt32?
  /// 0 is the loudest, 127 silence, in -dBov.
  public var audioLevel: UInt8?
  /// Whether the sender takes the sound for speech.
  public var isVoice = false

  public init() {}
}

/// The extension part of an RTP header as it came, in the one-byte or the two-byte form (RFC 8285 §4).
public struct HeaderExtensionBlock: Sendable {
  var profile: UInt16 = 0
  var bytes = ByteBuffer()

  static let oneByteProfile: UInt16 = 0xBEDE
  static let twoByteProfile: UInt16 = 0x1000

  /// Reads what `map` knows. Elements of other identifiers are passed over; a malformed element ends the reading, and
  /// what came before it counts.
  public func values(_ map: HeaderExtensionMap) -> HeaderExtensionValues {
    var values = HeaderExtensionValues()
    let isOneByte = profile == Self.oneByteProfile
    guard isOneByte || profile & 0xFFF0 == Self.twoByteProfile else { return values }
    var index = bytes.readerIndex
    while let head: UInt8 = bytes.getInteger(at: index) {
      index += 1
      if head == 0 { continue }
      let id: UInt8
      let length: Int
      if isOneByte {
        id = head >> 4
        length = Int(head & 0x0F) + 1
        if id == 15 { break }
        // RFC 8285 §4.2: identifier 0 with a length is as much as the end of the list.
        if id == 0 { break }
      } else {
        guard let count: UInt8 = bytes.getInteger(at: index) else { break }
        id = head
        length = Int(count)
        index += 1
      }
      guard index + length <= bytes.writerIndex else { break }
      read(id, at: index, length: length, map: map, into: &values)
      index += length
    }
    return values
  }

  private func read(
    _ id: UInt8, at index: Int, length: Int, map: HeaderExtensionMap, into values: inout HeaderExtensionValues
  ) {
    switch id {
    case map.mid:
      values.mid = bytes.getString(at: index, length: length)
    case map.transportSequence where length >= 2:
      values.transportSequence = bytes.getInteger(at: index)
    case map.absoluteSendTime where length == 3:
      let high: UInt16 = bytes.getInteger(at: index) ?? 0
      let low: UInt8 = bytes.getInteger(at: index + 2) ?? 0
      values.absoluteSendTime = UInt32(high) << 8 | UInt32(low)
    case map.audioLevel where length >= 1:
      let value: UInt8 = bytes.getInteger(at: index) ?? 0
      values.audioLevel = value & 0x7F
      values.isVoice = value & 0x80 != 0
    default:
      break
    }
  }
}
