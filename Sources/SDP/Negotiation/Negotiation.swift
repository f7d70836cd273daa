/// The offer/answer side of one session (RFC 3264, RFC 9429): makes our descriptions, checks the peer's, and remembers
/// what was agreed, so that m-lines keep their places and payload types and extension identifiers their meaning.
///
/// A value with no state but what `commit` gave it and the version counter of `o=`; whose turn it is (signaling states,
/// rollback) is the peer connection's affair. In the order of a call:
///
///     var negotiation = Negotiation(sessionID: 4611)
///     let offer = negotiation.makeOffer(transceivers: ours, transport: transport)   // caller
///     try answer.validate(asAnswerTo: offer.description)
///     negotiation.commit(local: offer.description, remote: answer)
///     let media = NegotiatedMedia.all(local: offer.description, remote: answer)
///
///     try negotiation.validate(offer: offer)                                        // callee
///     let plan = negotiation.associate(offer: offer, transceivers: ours)            // give the transceivers their mids
///     let answer = negotiation.makeAnswer(to: offer, transceivers: ours, transport: transport)
///     negotiation.commit(local: answer, remote: offer)
public struct Negotiation: Sendable {
  /// What we can do.
  public let capabilities: LocalCapabilities
  /// The last description of ours that was agreed on, offer or answer.
  public private(set) var currentLocal: SessionDescription?
  /// The last description of the peer's that was agreed on, offer or answer.
  public private(set) var currentRemote: SessionDescription?
  /// Whether we opened the DTLS association in use, which is the role to keep (RFC 8842 §5.2); nil before the first
  /// agreement.
  public private(set) var isDTLSClient: Bool?
  var identifiers = IdentifierMemory()
  private let sessionID: UInt64
  private var version: UInt64 = 0

  /// A session in which nothing is agreed yet.
  /// - Parameter sessionID: a random number below 2^63 (RFC 9429 §5.2.1).
  public init(sessionID: UInt64, capabilities: LocalCapabilities = .standard) {
    self.sessionID = sessionID
    self.capabilities = capabilities
  }

  /// Remembers an offer and answer that both sides now use.
  public mutating func commit(local: SessionDescription, remote: SessionDescription) {
    currentLocal = local
    currentRemote = remote
    isDTLSClient = NegotiatedTransport(local: local, remote: remote)?.isDTLSClient ?? isDTLSClient
    identifiers.record(remote, capabilities: capabilities)
    identifiers.record(local, capabilities: capabilities)
  }

  /// An empty description of ours with the next version number.
  mutating func nextDescription() -> SessionDescription {
    version += 1
    return SessionDescription(origin: Origin(sessionID: sessionID, version: version), msidSemantic: "WMS *")
  }

  /// Checks an offer of the peer's: by itself, and against what was agreed before (no m-line may vanish, change its kind
  /// or its mid, unless the section was rejected before, RFC 9429 §5.2.2).
  /// - Throws: `NegotiationError` naming what a browser would refuse it for.
  public func validate(offer: SessionDescription) throws(NegotiationError) {
    try offer.validateAsOffer()
    guard let currentLocal, let currentRemote else { return }
    guard offer.media.count >= currentRemote.media.count else {
      throw .sectionCount(expected: currentRemote.media.count, found: offer.media.count)
    }
    for (index, (local, remote)) in zip(currentLocal.media, currentRemote.media).enumerated() {
      if currentLocal.isRejected(local) || currentRemote.isRejected(remote) { continue }
      try offer.media[index].validatePlace(index: index, of: remote)
    }
  }
}
