/// One payload type of an RTP section with everything the section says of it.
public struct PayloadFormat: Hashable, Sendable {
  /// 0 to 127.
  public var payloadType: UInt8
  /// What `a=rtpmap` maps it to; nil for a static payload type (RFC 3551) that is not mapped.
  public var encoding: PayloadEncoding?
  /// What `a=fmtp` says.
  public var parameters: FormatParameters
  /// What `a=rtcp-fb` allows for this format (RFC 4585 §4.2).
  public var feedback: [RTCPFeedback]

  /// A payload format.
  public init(
    payloadType: UInt8, encoding: PayloadEncoding? = nil, parameters: FormatParameters = "",
    feedback: [RTCPFeedback] = []
  ) {
    self.payloadType = payloadType
    self.encoding = encoding
    self.parameters = parameters
    self.feedback = feedback
  }

  /// Whether this is a retransmission format (RFC 4588).
  public var isRetransmission: Bool { encoding?.name.lowercased() == "rtx" }
}

/// The right side of `a=rtpmap` (RFC 8866 §6.6): `<name>/<clock rate>[/<channels>]`.
public struct PayloadEncoding: Hashable, Sendable, CustomStringConvertible {
  /// The encoding's name as written; compared without case by `matches`.
  public var name: String
  /// Ticks of the RTP timestamp in a second.
  public var clockRate: UInt32
  /// Audio channels; 1 when not given.
  public var channels: UInt8

  /// An encoding.
  public init(name: String, clockRate: UInt32, channels: UInt8 = 1) {
    self.name = name
    self.clockRate = clockRate
    self.channels = channels
  }

  /// Whether both name the same codec (names without case, RFC 4855 §3).
  public func matches(_ other: PayloadEncoding) -> Bool {
    name.lowercased() == other.name.lowercased() && clockRate == other.clockRate && channels == other.channels
  }

  /// As printed: "opus/48000/2", "VP8/90000".
  public var description: String {
    channels == 1 ? "\(name)/\(clockRate)" : "\(name)/\(clockRate)/\(channels)"
  }
}

/// The parameters of `a=fmtp`, kept as written: `minptime=10;useinbandfec=1`.
public struct FormatParameters: Hashable, Sendable, ExpressibleByStringLiteral {
  /// The text after the payload type; empty when there is no fmtp line.
  public var text: String

  /// Parameters from their text.
  public init(_ text: String) { self.text = text }

  /// Parameters from their text.
  public init(stringLiteral value: String) { text = value }

  /// The value of a parameter, name compared without case; nil when it is not there.
  public subscript(name: String) -> String? {
    for parameter in split(Substring(text), at: ";") {
      let parts = split(parameter, at: "=", maxSplits: 1)
      if parts.count == 2, trimmed(parts[0]).lowercased() == name.lowercased() { return String(trimmed(parts[1])) }
    }
    return nil
  }
}

/// A feedback message that a format allows (RFC 4585 §4.2): "nack", "nack pli", "ccm fir", "transport-cc", ...
public struct RTCPFeedback: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
  /// The words after the payload type, separated by single spaces.
  public let description: String

  /// Feedback from its words.
  public init(_ words: String) { description = words }

  /// Feedback from its words.
  public init(stringLiteral value: String) { description = value }

  /// Generic NACK (RFC 4585 §6.2.1).
  public static let nack: RTCPFeedback = "nack"
  /// Picture loss indication (RFC 4585 §6.3.1).
  public static let pictureLossIndication: RTCPFeedback = "nack pli"
  /// Full intra request (RFC 5104 §4.3.1).
  public static let fullIntraRequest: RTCPFeedback = "ccm fir"
  /// Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb).
  public static let remb: RTCPFeedback = "goog-remb"
  /// Transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions).
  public static let transportCC: RTCPFeedback = "transport-cc"
}

/// Text without spaces and tabs at either end.
func trimmed(_ text: Substring) -> Substring {
  var bytes = text.utf8
  while let first = bytes.first, first == 0x20 || first == 0x09 { bytes = bytes.dropFirst() }
  while let last = bytes.last, last == 0x20 || last == 0x09 { bytes = bytes.dropLast() }
  return Substring(bytes)
}

/// The parts of a text between separators, empty ones included. Works on bytes: what Unicode takes for one character,
/// such as a separator with an accent, is still a separator here.
func split(_ text: Substring, at separator: Unicode.Scalar, maxSplits: Int = .max) -> [Substring] {
  text.utf8.split(separator: UInt8(ascii: separator), maxSplits: maxSplits, omittingEmptySubsequences: false)
    .map { Substring($0) }
}
