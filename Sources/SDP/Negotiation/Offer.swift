/// An offer of ours, and which section each transceiver got in it.
public struct LocalOffer: Hashable, Sendable {
  /// The offer.
  public var description: SessionDescription
  /// The mid of each transceiver, in the order they were given; nil for one that has no section (stopped before it ever
  /// had one, or of a kind without codec).
  public var mids: [String?]
}

extension Negotiation {
  /// Makes an offer (RFC 9429 §5.2).
  ///
  /// Sections that were agreed before keep their places; those of stopped transceivers, or of none of ours, are rejected.
  /// A new transceiver takes the place of a section of its kind that was rejected before (Firefox refuses a change of
  /// kind), or else comes at the end. All sections are bundled and carry the transport's attributes, with
  /// `setup:actpass`.
  /// - Parameters:
  ///   - transceivers: all of the session's, in the order of their making.
  ///   - transport: our ICE credentials and fingerprint.
  public mutating func makeOffer(transceivers: [LocalTransceiver], transport: LocalTransport) -> LocalOffer {
    var description = nextDescription()
    var identifiers = identifiers
    var mids = transceivers.map(\.mid)
    var waiting = transceivers.indices.filter { transceivers[$0].mid == nil && canOffer(transceivers[$0]) }
    var names = MidNames(taken: mids + (currentLocal?.media ?? []).map(\.mid) + (currentRemote?.media ?? []).map(\.mid))
    let attributes = transport.attributes(setup: .actpass)

    func offer(_ transceiver: LocalTransceiver, mid: String, previous: MediaSection? = nil) {
      var section = section(for: transceiver, previous: previous, identifiers: &identifiers)
      section.mid = mid
      section.transport = attributes
      description.media.append(section)
    }
    for (index, previous) in (currentLocal?.media ?? []).enumerated() {
      let owner = transceivers.first { $0.mid == previous.mid && canOffer($0) && $0.kind == previous.kind }
      if let owner, let mid = owner.mid {
        offer(owner, mid: mid, previous: previous)
      } else if wasRejected(index), let place = waiting.firstIndex(where: { transceivers[$0].kind == previous.kind }) {
        let next = waiting.remove(at: place)
        let mid = names.next()
        mids[next] = mid
        offer(transceivers[next], mid: mid)
      } else {
        description.media.append(previous.rejected())
      }
    }
    for index in waiting {
      let mid = names.next()
      mids[index] = mid
      offer(transceivers[index], mid: mid)
    }
    description.bundleAcceptedSections()
    return LocalOffer(description: description, mids: zip(mids, transceivers).map { $1.isStopped ? nil : $0 })
  }

  private func canOffer(_ transceiver: LocalTransceiver) -> Bool {
    !transceiver.isStopped && capabilities.codecs.contains { $0.kind == transceiver.kind }
  }

  /// Whether the section at this place was rejected by either side, so that its place is free (RFC 9429 §5.2.2).
  private func wasRejected(_ index: Int) -> Bool {
    [currentLocal, currentRemote].contains { description in
      guard let description, index < description.media.count else { return false }
      return description.isRejected(description.media[index])
    }
  }

  /// A section with all we can do. What its predecessor used stays as it was: an endpoint may have other payload types
  /// for the same codec in its own sections than in ours (Firefox does).
  private func section(
    for transceiver: LocalTransceiver, previous: MediaSection?, identifiers: inout IdentifierMemory
  ) -> MediaSection {
    var section = MediaSection(kind: transceiver.kind)
    section.direction = transceiver.direction
    section.rtcpMux = true
    section.rtcpReducedSize = true
    section.extmapAllowMixed = true
    for codec in capabilities.codecs where codec.kind == transceiver.kind {
      guard let payloadType = previous?.match(codec)?.payloadType ?? identifiers.payloadType(for: codec) else {
        continue
      }
      section.append(codec, payloadType: payloadType, feedback: codec.feedback)
      guard let preferred = codec.retransmissionPayloadType,
        let retransmission = identifiers.retransmissionPayloadType(of: payloadType, preferred: preferred)
      else { continue }
      section.append(retransmissionOf: payloadType, codec, payloadType: retransmission)
    }
    for ext in capabilities.headerExtensions where ext.kinds.contains(transceiver.kind) {
      guard let id = identifiers.extensionID(for: ext) else { continue }
      section.headerExtensions.append(HeaderExtension(id: UInt16(id), uri: ext.uri))
    }
    section.announce(transceiver)
    return section
  }
}

/// Gives out mids that no section of the session has or had a moment ago: "0", "1", ...
private struct MidNames {
  private var taken: Set<String>
  private var number = 0

  init(taken: [String?]) {
    self.taken = Set(taken.compactMap { $0 })
  }

  mutating func next() -> String {
    while taken.contains(String(number)) { number += 1 }
    taken.insert(String(number))
    return String(number)
  }
}
