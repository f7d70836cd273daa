/// What this endpoint can send and receive, before anything is agreed with a peer.
public struct LocalCapabilities: Hashable, Sendable {
  /// A codec with its wishes.
  public struct Codec: Hashable, Sendable {
    /// Audio or video.
    public var kind: MediaKind
    /// Name, clock rate and channels.
    public var encoding: PayloadEncoding
    /// The fmtp parameters that say what we want to receive.
    public var parameters: FormatParameters
    /// The feedback messages we send and understand.
    public var feedback: [RTCPFeedback]
    /// The payload type in our own first offer; an answer takes the offerer's.
    public var payloadType: UInt8
    /// The payload type of its retransmissions (RFC 4588) in our own first offer; nil for none.
    public var retransmissionPayloadType: UInt8?

    /// A codec.
    public init(
      kind: MediaKind, encoding: PayloadEncoding, parameters: FormatParameters = "", feedback: [RTCPFeedback],
      payloadType: UInt8, retransmissionPayloadType: UInt8? = nil
    ) {
      self.kind = kind
      self.encoding = encoding
      self.parameters = parameters
      self.feedback = feedback
      self.payloadType = payloadType
      self.retransmissionPayloadType = retransmissionPayloadType
    }
  }

  /// An RTP header extension.
  public struct Extension: Hashable, Sendable {
    /// What it is.
    public var uri: String
    /// The kinds of media it is used with.
    public var kinds: [MediaKind]
    /// The identifier in our own first offer, 1 to 14; an answer takes the offerer's.
    public var id: UInt8

    /// A header extension.
    public init(uri: String, kinds: [MediaKind], id: UInt8) {
      self.uri = uri
      self.kinds = kinds
      self.id = id
    }
  }

  /// Codecs, best first.
  public var codecs: [Codec]
  /// Header extensions.
  public var headerExtensions: [Extension]

  /// Capabilities.
  public init(codecs: [Codec], headerExtensions: [Extension]) {
    self.codecs = codecs
    self.headerExtensions = headerExtensions
  }

  /// VP8 with retransmission, Opus with in-band FEC, and the header extensions both are sent with.
  public static let standard = LocalCapabilities(
    codecs: [
      Codec(
        kind: .audio, encoding: PayloadEncoding(name: "opus", clockRate: 48000, channels: 2),
        parameters: "minptime=10;useinbandfec=1", feedback: [.transportCC], payloadType: 111),
      Codec(
        kind: .video, encoding: PayloadEncoding(name: "VP8", clockRate: 90000),
        feedback: [.remb, .transportCC, .fullIntraRequest, .nack, .pictureLossIndication], payloadType: 96,
        retransmissionPayloadType: 97),
    ],
    headerExtensions: [
      Extension(uri: HeaderExtension.audioLevel, kinds: [.audio], id: 1),
      Extension(uri: HeaderExtension.absoluteSendTime, kinds: [.audio, .video], id: 2),
      Extension(uri: HeaderExtension.transportWideCC, kinds: [.audio, .video], id: 3),
      Extension(uri: HeaderExtension.mid, kinds: [.audio, .video], id: 4),
    ])
}
