/// What becomes of a section that the peer offers.
public enum SectionPlan: Hashable, Sendable {
  /// The transceiver with this index carries it.
  case transceiver(Int)
  /// A new transceiver of this kind is to be made for it, with direction `recvonly` (RFC 9429 §5.10).
  case newTransceiver(MediaKind)
  /// Rejected by the peer, or nothing we can do: a data channel, a kind or codec unknown to us.
  case rejected
}

extension Negotiation {
  /// Finds a transceiver for each section of an offer (RFC 9429 §5.10): the one that has the section's mid, else the
  /// first one made by `addTrack` that has no section yet and whose media the peer wants, else a new one. The caller
  /// gives the transceivers their mids, and stops the one whose section is rejected.
  public func associate(offer: SessionDescription, transceivers: [LocalTransceiver]) -> [SectionPlan] {
    var free = transceivers.indices.filter {
      transceivers[$0].mid == nil && transceivers[$0].wasAddedByTrack && !transceivers[$0].isStopped
    }
    return offer.media.map { section in
      guard canAnswer(section, of: offer) else { return .rejected }
      if let index = transceivers.firstIndex(where: { $0.mid == section.mid && !$0.isStopped }) {
        return .transceiver(index)
      }
      let match = free.firstIndex { section.direction.receives && transceivers[$0].kind == section.kind }
      return match.map { .transceiver(free.remove(at: $0)) } ?? .newTransceiver(section.kind)
    }
  }

  /// Makes the answer to an offer that was validated (RFC 9429 §5.3): payload types and header extension identifiers are
  /// the offerer's, each section's direction is what both want, and sections without transceiver or codec of ours, or
  /// outside the one BUNDLE group, are rejected.
  /// - Parameters:
  ///   - offer: the peer's offer.
  ///   - transceivers: ours, with the mids of the sections they carry.
  ///   - transport: our ICE credentials and fingerprint.
  ///   - isDTLSClient: our DTLS role where an offer leaves the choice and no association decides it: the client's, as
  ///     RFC 8842 §5.3 recommends, or the server's.
  public mutating func makeAnswer(
    to offer: SessionDescription, transceivers: [LocalTransceiver], transport: LocalTransport,
    isDTLSClient: Bool = true
  ) -> SessionDescription {
    var description = nextDescription()
    for offered in offer.media {
      let transceiver = transceivers.first { $0.mid == offered.mid && $0.kind == offered.kind && !$0.isStopped }
      let alone = offer.bundle == nil && description.media.contains { !description.isRejected($0) }
      guard let transceiver, canAnswer(offered, of: offer), !alone else {
        description.media.append(offered.rejected())
        continue
      }
      let role = answerRole(to: offer.transport(of: offered).setup, isDTLSClient: self.isDTLSClient ?? isDTLSClient)
      description.media.append(answer(offered, with: transceiver, transport: transport.attributes(setup: role)))
    }
    if let bundle = offer.bundle { description.bundleAcceptedSections(of: bundle) }
    return description
  }

  /// Whether a section can be accepted at all: offered, on the one transport, RTP, with a codec of ours.
  private func canAnswer(_ section: MediaSection, of offer: SessionDescription) -> Bool {
    !offer.isRejected(section) && section.mid != nil && section.isRTP
      && (offer.bundle == nil || offer.isBundled(section))
      && capabilities.codecs.contains { $0.kind == section.kind && section.match($0) != nil }
  }

  private func answerRole(to offered: SetupRole?, isDTLSClient: Bool) -> SetupRole {
    switch offered {
    case .active: .passive
    case .passive: .active
    default: isDTLSClient ? .active : .passive
    }
  }

  private func answer(
    _ offered: MediaSection, with transceiver: LocalTransceiver, transport: TransportAttributes
  ) -> MediaSection {
    var section = MediaSection(
      kind: offered.kind, transportProtocol: offered.transportProtocol, mid: offered.mid)
    section.transport = transport
    section.direction = transceiver.direction.intersection(offered.direction.reversed)
    section.rtcpMux = true
    section.rtcpReducedSize = offered.rtcpReducedSize
    section.extmapAllowMixed = offered.extmapAllowMixed
    for codec in capabilities.codecs where codec.kind == offered.kind {
      guard let format = offered.match(codec) else { continue }
      let feedback = offered.feedback(for: format)
      section.append(codec, payloadType: format.payloadType, feedback: codec.feedback.filter(feedback.contains))
      guard codec.retransmissionPayloadType != nil,
        let retransmission = offered.retransmission(of: format.payloadType)
      else { continue }
      section.append(retransmissionOf: format.payloadType, codec, payloadType: retransmission.payloadType)
    }
    for ext in offered.headerExtensions where canUse(ext, with: offered.kind) {
      section.headerExtensions.append(HeaderExtension(id: ext.id, direction: ext.direction?.reversed, uri: ext.uri))
    }
    section.announce(transceiver)
    return section
  }

  /// Identifiers above 255 only propose an extension (RFC 8285 §5), and 15 is no identifier in one-byte headers.
  private func canUse(_ ext: HeaderExtension, with kind: MediaKind) -> Bool {
    ext.direction != .inactive && ext.id != 15 && ext.id < 256
      && capabilities.headerExtensions.contains { $0.uri == ext.uri && $0.kinds.contains(kind) }
  }
}
