/// Which way media flows, as seen by the author of the description (RFC 8866 §6.7).
public enum MediaDirection: String, Hashable, Sendable {
  case sendrecv
  case sendonly
  case recvonly
  case inactive

  /// The direction with these two halves.
  public init(sends: Bool, receives: Bool) {
    self = sends ? (receives ? .sendrecv : .sendonly) : (receives ? .recvonly : .inactive)
  }

  /// Whether the author sends.
  public var sends: Bool { self == .sendrecv || self == .sendonly }

  /// Whether the author receives.
  public var receives: Bool { self == .sendrecv || self == .recvonly }

  /// The same flow as seen by the other side.
  public var reversed: MediaDirection { MediaDirection(sends: receives, receives: sends) }

  /// What both directions allow.
  public func intersection(_ other: MediaDirection) -> MediaDirection {
    MediaDirection(sends: sends && other.sends, receives: receives && other.receives)
  }
}

/// An RTP header extension in use (RFC 8285 §5): `a=extmap:<id>[/<direction>] <uri> [<attributes>]`.
public struct HeaderExtension: Hashable, Sendable {
  /// 1 to 14 with one-byte headers, to 255 with two-byte headers; 4096 to 4351 only proposes the URI.
  public var id: UInt16
  /// Who sends it, as seen by the author; nil when not given, which means the direction of the section.
  public var direction: MediaDirection?
  /// What the extension is.
  public var uri: String
  /// What follows the URI, or nil.
  public var attributes: String?

  /// A header extension.
  public init(id: UInt16, direction: MediaDirection? = nil, uri: String, attributes: String? = nil) {
    self.id = id
    self.direction = direction
    self.uri = uri
    self.attributes = attributes
  }

  /// The section's mid (RFC 9143 §15).
  public static let mid = "urn:ietf:params:rtp-hdrext:sdes:mid"
  /// The audio level of the packet (RFC 6464).
  public static let audioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
  /// The sequence number that transport-wide congestion control feeds back.
  public static let transportWideCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
  /// The time of sending, 24 bits.
  public static let absoluteSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
}

/// `a=msid:<stream> [<track>]` (RFC 8830): which stream the track of a section belongs to.
public struct MediaStreamIdentifier: Hashable, Sendable {
  /// The stream's identifier; "-" when the track belongs to none.
  public var stream: String
  /// The track's identifier, or nil.
  public var track: String?

  /// A stream and, where known, its track.
  public init(stream: String, track: String? = nil) {
    self.stream = stream
    self.track = track
  }

  /// The stream's identifier, or nil when the track belongs to none.
  public var streamID: String? { stream == "-" ? nil : stream }
}

/// `a=ssrc:<ssrc> <name>[:<value>]` (RFC 5576 §4.1).
public struct SourceAttribute: Hashable, Sendable {
  /// The synchronisation source.
  public var ssrc: UInt32
  /// "cname", "msid", ...
  public var name: String
  /// What follows the colon, or nil.
  public var value: String?

  /// An attribute of a source.
  public init(ssrc: UInt32, name: String, value: String? = nil) {
    self.ssrc = ssrc
    self.name = name
    self.value = value
  }
}

/// `a=ssrc-group:<semantics> <ssrc>...` (RFC 5576 §4.2); FID pairs a source with its retransmission.
public struct SourceGroup: Hashable, Sendable {
  /// "FID", "FEC-FR", "SIM", ...
  public var semantics: String
  /// The members, in order.
  public var ssrcs: [UInt32]

  /// A group of sources.
  public init(semantics: String, ssrcs: [UInt32]) {
    self.semantics = semantics
    self.ssrcs = ssrcs
  }
}

/// `b=<type>:<value>` (RFC 8866 §5.8).
public struct Bandwidth: Hashable, Sendable {
  /// "AS" (kilobits a second), "TIAS" (bits a second), ...
  public var type: String
  /// The number, in the unit of its type.
  public var value: UInt64

  /// A bandwidth line.
  public init(type: String, value: UInt64) {
    self.type = type
    self.value = value
  }
}

/// An attribute line: `a=<name>` or `a=<name>:<value>`.
public struct Attribute: Hashable, Sendable {
  /// The part before the colon.
  public var name: String
  /// The part after it, or nil for a flag.
  public var value: String?

  /// An attribute.
  public init(name: String, value: String? = nil) {
    self.name = name
    self.value = value
  }
}
