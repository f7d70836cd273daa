/// What negotiation has to know about a transceiver (RFC 9429 §3.4.1): one track each way, one media section.
public struct LocalTransceiver: Hashable, Sendable {
  /// The mid of its section; nil until it has one.
  public var mid: String?
  /// Audio or video.
  public var kind: MediaKind
  /// What we want to do with it, whatever the peer wants.
  public var direction: MediaDirection
  /// Stopped for ever: its section is rejected, and free for another transceiver later.
  public var isStopped: Bool
  /// Made by `addTrack`, so that a section the peer offers may take it (RFC 9429 §5.10). One made by `addTransceiver`
  /// waits for a section of its own.
  public var wasAddedByTrack: Bool
  /// The stream and track that our media is announced as, while we send; one stream for audio and video of a call.
  public var msid: MediaStreamIdentifier?
  /// The sources we send with, or nil to announce none.
  public var sources: LocalSources?

  /// A transceiver.
  public init(
    mid: String? = nil, kind: MediaKind, direction: MediaDirection = .sendrecv, isStopped: Bool = false,
    wasAddedByTrack: Bool = true, msid: MediaStreamIdentifier? = nil, sources: LocalSources? = nil
  ) {
    self.mid = mid
    self.kind = kind
    self.direction = direction
    self.isStopped = isStopped
    self.wasAddedByTrack = wasAddedByTrack
    self.msid = msid
    self.sources = sources
  }
}

/// The sources of one track of ours.
public struct LocalSources: Hashable, Sendable {
  /// The source of the media.
  public var ssrc: UInt32
  /// The source of its retransmissions; announced only where retransmission is negotiated.
  public var retransmissionSSRC: UInt32?
  /// The canonical name (RFC 3550 §6.5.1), the same for all tracks that are to be played in step.
  public var cname: String

  /// Sources of a track.
  public init(ssrc: UInt32, retransmissionSSRC: UInt32? = nil, cname: String) {
    self.ssrc = ssrc
    self.retransmissionSSRC = retransmissionSSRC
    self.cname = cname
  }
}

/// Our side of the one transport that carries the call.
public struct LocalTransport: Hashable, Sendable {
  /// 4 to 256 characters.
  public var iceUfrag: String
  /// 22 to 256 characters.
  public var icePassword: String
  /// What ICE can do; "trickle" by default (RFC 8840).
  public var iceOptions: [String]
  /// The hash of our certificate.
  public var fingerprint: Fingerprint

  /// A transport.
  public init(iceUfrag: String, icePassword: String, iceOptions: [String] = ["trickle"], fingerprint: Fingerprint) {
    self.iceUfrag = iceUfrag
    self.icePassword = icePassword
    self.iceOptions = iceOptions
    self.fingerprint = fingerprint
  }

  func attributes(setup: SetupRole) -> TransportAttributes {
    TransportAttributes(
      iceUfrag: iceUfrag, icePassword: icePassword, iceOptions: iceOptions, fingerprints: [fingerprint], setup: setup)
  }
}
