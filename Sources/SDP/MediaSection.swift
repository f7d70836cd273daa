/// One media section: an `m=` line and everything below it.
public struct MediaSection: Hashable, Sendable {
  /// Audio, video, application, or another word.
  public var kind: MediaKind
  /// 9 when the real port comes with the candidates, 0 when rejected or `bundle-only`.
  public var port: UInt16
  /// The transport protocol of the m-line, such as "UDP/TLS/RTP/SAVPF".
  public var transportProtocol: String
  /// The payload formats of an RTP section in order of preference, each with what rtpmap, fmtp and rtcp-fb say of it.
  public var payloadFormats: [PayloadFormat]
  /// The formats of a section that is not RTP, such as "webrtc-datachannel".
  public var applicationFormats: [String]
  /// The value of the `c=` line; WebRTC writes "IN IP4 0.0.0.0".
  public var connection: String
  /// `b=` lines.
  public var bandwidths: [Bandwidth]
  /// The section's name in this session (`a=mid`, RFC 5888), or nil when it gives none.
  public var mid: String?
  /// The direction of the media as seen by the description's author; `sendrecv` when it says nothing (RFC 8866 §6.7).
  public var direction: MediaDirection
  /// ICE and DTLS attributes. A bundled section may leave them to the tagged one: see `SessionDescription.transport(of:)`.
  public var transport: TransportAttributes
  /// ICE candidates in order, each as in a candidate message: "candidate:...".
  public var candidates: [String]
  /// `a=end-of-candidates` (RFC 8840).
  public var endOfCandidates: Bool
  /// `a=rtcp-mux` (RFC 8858): RTP and RTCP share one port.
  public var rtcpMux: Bool
  /// `a=rtcp-rsize` (RFC 5506): RTCP packets may leave out the report.
  public var rtcpReducedSize: Bool
  /// `a=bundle-only` (RFC 9143 §6).
  public var isBundleOnly: Bool
  /// `a=extmap-allow-mixed` (RFC 8285 §6): one- and two-byte header extensions may change from packet to packet.
  public var extmapAllowMixed: Bool
  /// RTP header extensions (`a=extmap`, RFC 8285).
  public var headerExtensions: [HeaderExtension]
  /// The streams and track this section carries (`a=msid`, RFC 8830).
  public var msids: [MediaStreamIdentifier]
  /// `a=ssrc` lines (RFC 5576) in order.
  public var sources: [SourceAttribute]
  /// `a=ssrc-group` lines (RFC 5576).
  public var sourceGroups: [SourceGroup]
  /// `a=rtcp-fb:*` lines, which hold for all payload formats.
  public var feedbackForAll: [RTCPFeedback]
  /// Attributes that this type has no word for, in order; printed again.
  public var otherAttributes: [Attribute]

  /// A section with nothing in it but its m-line.
  public init(kind: MediaKind, port: UInt16 = 9, transportProtocol: String = "UDP/TLS/RTP/SAVPF", mid: String? = nil) {
    self.kind = kind
    self.port = port
    self.transportProtocol = transportProtocol
    self.mid = mid
    payloadFormats = []
    applicationFormats = []
    connection = "IN IP4 0.0.0.0"
    bandwidths = []
    direction = .sendrecv
    transport = TransportAttributes()
    candidates = []
    endOfCandidates = false
    rtcpMux = false
    rtcpReducedSize = false
    isBundleOnly = false
    extmapAllowMixed = false
    headerExtensions = []
    msids = []
    sources = []
    sourceGroups = []
    feedbackForAll = []
    otherAttributes = []
  }
}

extension MediaSection {
  /// Whether the section carries RTP, by its transport protocol.
  public var isRTP: Bool { split(Substring(transportProtocol), at: "/").contains("RTP") }

  /// The payload format with this number, or nil.
  public func payloadFormat(_ payloadType: UInt8) -> PayloadFormat? {
    payloadFormats.first { $0.payloadType == payloadType }
  }

  /// The feedback messages allowed for a format: its own and those for all.
  public func feedback(for format: PayloadFormat) -> [RTCPFeedback] { format.feedback + feedbackForAll }

  /// The retransmission format of the format with this number (RFC 4588 §8.1: at the same clock rate), or nil.
  public func retransmission(of payloadType: UInt8) -> PayloadFormat? {
    let clockRate = payloadFormat(payloadType)?.encoding?.clockRate
    return payloadFormats.first {
      $0.isRetransmission && $0.encoding?.clockRate == clockRate && $0.parameters["apt"] == String(payloadType)
    }
  }

  /// What an SSRC says under a name, such as `cname`; nil when it does not say it.
  public func sourceAttribute(_ name: String, of ssrc: UInt32) -> String? {
    sources.first { $0.ssrc == ssrc && $0.name == name }?.value
  }
}

/// The media type of an m-line (RFC 8866 §5.14).
public enum MediaKind: Hashable, Sendable, CustomStringConvertible {
  case audio
  case video
  case application
  /// Any other word: "text", "message", "image", ...
  case other(String)

  /// The kind with this name; names are compared as they are.
  public init(_ name: String) {
    switch name {
    case "audio": self = .audio
    case "video": self = .video
    case "application": self = .application
    default: self = .other(name)
    }
  }

  /// The word in the m-line.
  public var description: String {
    switch self {
    case .audio: "audio"
    case .video: "video"
    case .application: "application"
    case .other(let name): name
    }
  }
}
