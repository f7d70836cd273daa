/// What an offer and its answer agree on for one media section, as seen from our side: all that the RTP session needs.
public struct NegotiatedMedia: Hashable, Sendable {
  /// The section's mid.
  public var mid: String
  /// The section's place among the m-lines.
  public var index: Int
  /// Audio or video.
  public var kind: MediaKind
  /// What flows: `sends` when we send and the peer receives, `receives` the other way round.
  public var direction: MediaDirection
  /// The codec to send, which is also the one to expect.
  public var codec: NegotiatedCodec
  /// Identifiers of the header extensions both sides know.
  public var headerExtensions: NegotiatedHeaderExtensions
  /// The feedback both sides know for the codec.
  public var feedback: NegotiatedFeedback
  /// Whether RTCP may leave out the report (RFC 5506).
  public var rtcpReducedSize: Bool
  /// The sources that the peer announced, retransmission sources folded into theirs. May be empty: then sources are
  /// learnt from the mid header extension or the payload type (RFC 9143 §9.2).
  public var remoteSources: [RemoteSource]
  /// The streams and track of the peer's media; empty when it names none. `streamID` is nil for "-".
  public var remoteStreams: [MediaStreamIdentifier]
  /// The most the peer wants to receive here, in bits a second (`b=TIAS` or `b=AS`), or nil.
  public var maximumBitrate: UInt64?

  /// An agreement about a section.
  public init(
    mid: String, index: Int, kind: MediaKind, direction: MediaDirection, codec: NegotiatedCodec,
    headerExtensions: NegotiatedHeaderExtensions, feedback: NegotiatedFeedback, rtcpReducedSize: Bool,
    remoteSources: [RemoteSource] = [], remoteStreams: [MediaStreamIdentifier] = [], maximumBitrate: UInt64? = nil
  ) {
    self.mid = mid
    self.index = index
    self.kind = kind
    self.direction = direction
    self.codec = codec
    self.headerExtensions = headerExtensions
    self.feedback = feedback
    self.rtcpReducedSize = rtcpReducedSize
    self.remoteSources = remoteSources
    self.remoteStreams = remoteStreams
    self.maximumBitrate = maximumBitrate
  }
}

/// A codec that both sides know.
public struct NegotiatedCodec: Hashable, Sendable {
  /// The payload type, the same both ways.
  public var payloadType: UInt8
  /// The payload type of its retransmissions, or nil when they are not negotiated.
  public var retransmissionPayloadType: UInt8?
  /// Name, clock rate, channels.
  public var encoding: PayloadEncoding
  /// What the peer wants to receive (fmtp): `useinbandfec`, `stereo`, `max-fs`, ...
  public var remoteParameters: FormatParameters

  /// A codec both sides know.
  public init(
    payloadType: UInt8, retransmissionPayloadType: UInt8? = nil, encoding: PayloadEncoding,
    remoteParameters: FormatParameters
  ) {
    self.payloadType = payloadType
    self.retransmissionPayloadType = retransmissionPayloadType
    self.encoding = encoding
    self.remoteParameters = remoteParameters
  }
}

/// The identifiers under which header extensions travel, nil for those not agreed.
public struct NegotiatedHeaderExtensions: Hashable, Sendable {
  /// The section's mid.
  public var mid: UInt8?
  /// The transport-wide sequence number.
  public var transportWideCC: UInt8?
  /// The time of sending.
  public var absoluteSendTime: UInt8?
  /// The audio level.
  public var audioLevel: UInt8?

  /// Identifiers; those left out are not agreed.
  public init(
    mid: UInt8? = nil, transportWideCC: UInt8? = nil, absoluteSendTime: UInt8? = nil, audioLevel: UInt8? = nil
  ) {
    self.mid = mid
    self.transportWideCC = transportWideCC
    self.absoluteSendTime = absoluteSendTime
    self.audioLevel = audioLevel
  }
}

/// The feedback messages that may be sent both ways.
public struct NegotiatedFeedback: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Generic NACK.
  public static let nack = NegotiatedFeedback(rawValue: 1)
  /// Picture loss indication.
  public static let pictureLossIndication = NegotiatedFeedback(rawValue: 2)
  /// Full intra request.
  public static let fullIntraRequest = NegotiatedFeedback(rawValue: 4)
  /// Receiver estimated maximum bitrate.
  public static let remb = NegotiatedFeedback(rawValue: 8)
  /// Transport-wide congestion control.
  public static let transportCC = NegotiatedFeedback(rawValue: 16)
}

/// A source that the peer announced.
public struct RemoteSource: Hashable, Sendable {
  /// The source of the media.
  public var ssrc: UInt32
  /// The source of its retransmissions (`ssrc-group:FID`), or nil.
  public var retransmissionSSRC: UInt32?
  /// Its canonical name, or nil.
  public var cname: String?

  /// A source of the peer's.
  public init(
    ssrc: UInt32, retransmissionSSRC: UInt32? = nil, cname: String? = nil
  ) {
    self.ssrc = ssrc
    self.retransmissionSSRC = retransmissionSSRC
    self.cname = cname
  }
}

/// What an offer and its answer agree on for the transport, as seen from our side.
public struct NegotiatedTransport: Hashable, Sendable {
  /// The peer's user fragment.
  public var remoteUfrag: String
  /// The peer's password.
  public var remotePassword: String
  /// Whether the peer takes candidates one by one (RFC 8840).
  public var remoteTrickles: Bool
  /// Whether the peer only answers checks (RFC 8445 §2.5): we then control.
  public var remoteIsICELite: Bool
  /// The hashes of the peer's certificate that may be compared; never empty.
  public var remoteFingerprints: [Fingerprint]
  /// Whether we open the DTLS association.
  public var isDTLSClient: Bool

  /// An agreement about the transport.
  public init(
    remoteUfrag: String, remotePassword: String, remoteTrickles: Bool, remoteIsICELite: Bool,
    remoteFingerprints: [Fingerprint], isDTLSClient: Bool
  ) {
    self.remoteUfrag = remoteUfrag
    self.remotePassword = remotePassword
    self.remoteTrickles = remoteTrickles
    self.remoteIsICELite = remoteIsICELite
    self.remoteFingerprints = remoteFingerprints
    self.isDTLSClient = isDTLSClient
  }
}
