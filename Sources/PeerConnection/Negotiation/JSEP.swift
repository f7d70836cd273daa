internal import SDP

/// The offer/answer state machine of RFC 9429: whose turn it is, what is pending and what is agreed on, and the
/// transceivers. Knows nothing of transports; gives out what was agreed.
struct JSEP {
  /// What both sides use from now on.
  struct Agreement {
    var media: [NegotiatedMedia]
    /// Nil when every section was rejected.
    var transport: NegotiatedTransport?
    /// The peer's description, for the candidates in it.
    var remote: SessionDescription
  }

  /// What an operation brought about besides the change of state.
  struct Outcome {
    var agreement: Agreement?
    /// Tracks the peer began or ceased to send.
    var trackEvents: [PeerConnectionEvent] = []
  }

  /// Neither a peer nor a caller can make more sections than this.
  static let maximumTransceivers = 64

  private(set) var state = SignalingState.stable
  private(set) var transceivers: [Transceiver] = []
  private var negotiation: Negotiation
  /// Who wrote the current local description: what a changed direction is compared with depends on it.
  private var currentLocalIsOffer = false
  private var pendingLocal: LocalOffer?
  private var pendingRemote: SessionDescription?
  private var createdOffer: LocalOffer?
  private var createdAnswer: SessionDescription?
  /// User name fragments that the next agreement is to leave behind (W3C `[[LocalIceCredentialsToReplace]]`).
  private var fragmentsToReplace: Set<String> = []

  /// - Parameter sessionID: random; goes into `o=`.
  init(sessionID: UInt64) {
    // RFC 9429 section 5.2.1: the number is to fit 63 bits.
    negotiation = Negotiation(sessionID: sessionID >> 1)
  }

  /// The peer's description that counts for candidates: the pending one if any.
  var remoteDescription: SessionDescription? { pendingRemote ?? negotiation.currentRemote }

  /// Our description that counts for candidates: the pending one if any.
  var localDescription: SessionDescription? { pendingLocal?.description ?? negotiation.currentLocal }

  // MARK: - Transceivers

  /// W3C `addTrack`: uses a free transceiver of the kind, or makes one.
  mutating func addTrack(
    _ kind: TrackKind, msid: MediaStreamIdentifier?, sources: @autoclosure () -> LocalSources
  ) throws(PeerConnectionError) {
    try requireOpen()
    if let index = transceivers.firstIndex(where: { $0.takes(kind) }) {
      let direction = transceivers[index].local.direction
      transceivers[index].local.direction = MediaDirection(sends: true, receives: direction.receives)
      transceivers[index].local.msid = msid
      return
    }
    try append(
      Transceiver(kind: kind, direction: .sendrecv, wasAddedByTrack: true, msid: msid, sources: sources()))
  }

  /// W3C `addTransceiver`: a section of its own.
  mutating func addTransceiver(
    _ kind: TrackKind, direction: MediaDirection, msid: MediaStreamIdentifier?,
    sources: @autoclosure () -> LocalSources
  ) throws(PeerConnectionError) {
    try requireOpen()
    try append(
      Transceiver(kind: kind, direction: direction, wasAddedByTrack: false, msid: msid, sources: sources()))
  }

  /// W3C `removeTrack` for all tracks of a kind.
  mutating func removeTracks(_ kind: TrackKind) throws(PeerConnectionError) {
    try requireOpen()
    for index in transceivers.indices where transceivers[index].kind == kind {
      let direction = transceivers[index].local.direction
      transceivers[index].local.direction = MediaDirection(sends: false, receives: direction.receives)
      transceivers[index].local.msid = nil
    }
  }

  private mutating func append(_ transceiver: Transceiver) throws(PeerConnectionError) {
    guard transceivers.count < Self.maximumTransceivers else {
      throw .notSupported("more than \(Self.maximumTransceivers) media sections")
    }
    transceivers.append(transceiver)
  }

  // MARK: - ICE restart

  /// W3C `restartIce`: from now on an offer is needed, with ICE credentials other than those in use. Nothing happens before the
  /// first description.
  mutating func restartICE() throws(PeerConnectionError) {
    try requireOpen()
    let descriptions = [negotiation.currentLocal, pendingLocal?.description].compactMap(\.self)
    fragmentsToReplace = Set(descriptions.compactMap(\.usernameFragment))
  }

  /// Whether our next description is to have another user name fragment than this.
  func hasToReplace(_ usernameFragment: String) -> Bool { fragmentsToReplace.contains(usernameFragment) }

  // MARK: - Our descriptions

  mutating func createOffer(transport: LocalTransport) throws(PeerConnectionError) -> Description {
    try requireOpen()
    guard state != .haveRemoteOffer else { throw .invalidState("an offer of the peer waits for its answer") }
    let offer = negotiation.makeOffer(transceivers: transceivers.map(\.local), transport: transport)
    guard !offer.description.media.isEmpty else { throw .invalidState("there is nothing to offer: no track was added") }
    createdOffer = offer
    return Description(type: .offer, sdp: offer.description.description)
  }

  mutating func createAnswer(transport: LocalTransport) throws(PeerConnectionError) -> Description {
    try requireOpen()
    guard state == .haveRemoteOffer, let pendingRemote else { throw .invalidState("there is no offer to answer") }
    let answer = negotiation.makeAnswer(
      to: pendingRemote, transceivers: transceivers.map(\.local), transport: transport)
    createdAnswer = answer
    return Description(type: .answer, sdp: answer.description)
  }

  mutating func setLocal(_ description: Description) throws(PeerConnectionError) -> Outcome {
    try requireOpen()
    switch description.type {
    case .offer:
      guard state != .haveRemoteOffer else { throw .invalidState("an offer of the peer waits for its answer") }
      // RFC 9429 section 5.4: a local description is not to be changed on its way here.
      guard let createdOffer, createdOffer.description.description == description.sdp else {
        throw .invalidDescription("the offer is not the one that was created last")
      }
      // An offer may be replaced by a newer one.
      if state == .haveLocalOffer { rollBack() }
      for (index, mid) in createdOffer.mids.enumerated() where index < transceivers.count {
        transceivers[index].local.mid = mid
      }
      pendingLocal = createdOffer
      state = .haveLocalOffer
      return Outcome()
    case .answer:
      guard state == .haveRemoteOffer, let pendingRemote else { throw .invalidState("there is no offer to answer") }
      guard let createdAnswer, createdAnswer.description == description.sdp else {
        throw .invalidDescription("the answer is not the one that was created last")
      }
      return settle(local: createdAnswer, remote: pendingRemote, weOffered: false)
    case .rollback:
      return try takeBack()
    }
  }

  // MARK: - The peer's descriptions

  /// - Parameter rollingBack: whether an offer of the peer that meets a pending one of ours replaces it.
  mutating func setRemote(
    _ description: Description, rollingBack: Bool, sources: () -> LocalSources
  ) throws(PeerConnectionError) -> Outcome {
    try requireOpen()
    if description.type == .rollback { return try takeBack() }
    let remote = try Self.parse(description.sdp)
    switch description.type {
    case .offer:
      guard state != .haveLocalOffer || rollingBack else {
        throw .invalidState("our own offer is pending (glare): one of the two has to be rolled back")
      }
      do {
        try negotiation.validate(offer: remote)
      } catch {
        throw .invalidDescription("offer: \(error)")
      }
      guard remote.media.count <= Self.maximumTransceivers else {
        throw .notSupported("more than \(Self.maximumTransceivers) media sections")
      }
      // A new offer takes the place of any that is pending, ours or the peer's.
      var outcome = Outcome()
      if state != .stable { outcome.trackEvents = rollBack() }
      associate(remote, sources: sources)
      pendingRemote = remote
      state = .haveRemoteOffer
      outcome.trackEvents += updateRemoteTracks(remote)
      return outcome
    case .answer:
      guard state == .haveLocalOffer, let pendingLocal else { throw .invalidState("there is no offer of ours") }
      do {
        try remote.validate(asAnswerTo: pendingLocal.description)
      } catch {
        throw .invalidDescription("answer: \(error)")
      }
      return settle(local: pendingLocal.description, remote: remote, weOffered: true)
    case .rollback:
      return try takeBack()
    }
  }

  private static func parse(_ text: String) throws(PeerConnectionError) -> SessionDescription {
    do {
      return try SessionDescription(parsing: text)
    } catch {
      throw .invalidDescription("\(error)")
    }
  }

  /// RFC 9429 section 5.10: finds or makes a transceiver for each section of an offer.
  private mutating func associate(_ offer: SessionDescription, sources: () -> LocalSources) {
    let plans = negotiation.associate(offer: offer, transceivers: transceivers.map(\.local))
    for (section, plan) in zip(offer.media, plans) {
      switch plan {
      case .transceiver(let index):
        transceivers[index].local.mid = section.mid
      case .newTransceiver(let kind):
        guard let kind = TrackKind(kind), transceivers.count < Self.maximumTransceivers else { continue }
        var transceiver = Transceiver(
          kind: kind, direction: .recvonly, wasAddedByTrack: true, msid: nil, sources: sources())
        transceiver.local.mid = section.mid
        transceiver.isMadeByPendingOffer = true
        transceivers.append(transceiver)
      case .rejected:
        continue
      }
    }
  }

  // MARK: - Agreement and rollback

  private mutating func settle(
    local: SessionDescription, remote: SessionDescription, weOffered: Bool
  ) -> Outcome {
    negotiation.commit(local: local, remote: remote)
    currentLocalIsOffer = weOffered
    if let fragment = local.usernameFragment, !hasToReplace(fragment) { fragmentsToReplace = [] }
    clearPending()
    state = .stable
    let media = NegotiatedMedia.all(local: local, remote: remote)
    for index in transceivers.indices {
      let agreed = media.first { $0.mid == transceivers[index].mid }
      transceivers[index].currentDirection = agreed?.direction
      transceivers[index].settledMid = transceivers[index].mid
      transceivers[index].isMadeByPendingOffer = false
      if agreed?.direction.sends == true { transceivers[index].hasSent = true }
    }
    let trackEvents = updateRemoteTracks(remote)
    // A section that either side rejects ends its transceiver.
    transceivers.removeAll { transceiver in
      guard let mid = transceiver.mid else { return false }
      return !media.contains { $0.mid == mid }
    }
    let transport = NegotiatedTransport(local: local, remote: remote)
    return Outcome(agreement: Agreement(media: media, transport: transport, remote: remote), trackEvents: trackEvents)
  }

  private mutating func takeBack() throws(PeerConnectionError) -> Outcome {
    guard state != .stable else { throw .invalidState("there is nothing to roll back") }
    return Outcome(trackEvents: rollBack())
  }

  /// RFC 9429 section 4.1.10.2: as if the pending offer had never been.
  @discardableResult
  private mutating func rollBack() -> [PeerConnectionEvent] {
    for index in transceivers.indices { transceivers[index].local.mid = transceivers[index].settledMid }
    let events = negotiation.currentRemote.map { updateRemoteTracks($0) } ?? withdrawRemoteTracks()
    transceivers.removeAll { $0.isMadeByPendingOffer && !$0.hasTrack }
    for index in transceivers.indices { transceivers[index].isMadeByPendingOffer = false }
    clearPending()
    state = .stable
    return events
  }

  private mutating func clearPending() {
    pendingLocal = nil
    pendingRemote = nil
    createdOffer = nil
    createdAnswer = nil
  }

  /// Compares what the peer says it sends with what it said before.
  private mutating func updateRemoteTracks(_ remote: SessionDescription) -> [PeerConnectionEvent] {
    var events: [PeerConnectionEvent] = []
    for index in transceivers.indices {
      let section = transceivers[index].mid.flatMap { remote.section(mid: $0) }
      var track: RemoteTrack?
      if let section, let mid = section.mid, section.direction.sends, !remote.isRejected(section) {
        track = RemoteTrack(mid: mid, kind: transceivers[index].kind, streamIDs: section.msids.compactMap(\.streamID))
      }
      let before = transceivers[index].remoteTrack
      transceivers[index].remoteTrack = track
      if let before, track?.mid != before.mid { events.append(.trackRemoved(before)) }
      if let track, track != before { events.append(.track(track)) }
    }
    return events
  }

  private mutating func withdrawRemoteTracks() -> [PeerConnectionEvent] {
    var events: [PeerConnectionEvent] = []
    for index in transceivers.indices {
      guard let track = transceivers[index].remoteTrack else { continue }
      events.append(.trackRemoved(track))
      transceivers[index].remoteTrack = nil
    }
    return events
  }

  // MARK: - Whether to negotiate

  /// Whether an offer of ours would change anything (W3C "check if negotiation is needed"). False while not stable: the
  /// question is asked again then.
  var needsNegotiation: Bool {
    guard state == .stable else { return false }
    return !fragmentsToReplace.isEmpty
      || transceivers.contains { transceiver in
        guard let mid = transceiver.mid, let local = negotiation.currentLocal?.section(mid: mid),
          let remote = negotiation.currentRemote?.section(mid: mid)
        else { return true }
        let wanted = transceiver.local.direction
        if currentLocalIsOffer {
          if local.direction != wanted && remote.direction.reversed != wanted { return true }
        } else if local.direction != wanted.intersection(remote.direction.reversed) {
          return true
        }
        return local.direction.sends && local.msids.first != transceiver.local.msid
      }
  }

  mutating func close() {
    state = .closed
    clearPending()
  }

  private func requireOpen() throws(PeerConnectionError) {
    if state == .closed { throw .closed }
  }
}

extension SessionDescription {
  /// That of the transport all sections share.
  fileprivate var usernameFragment: String? {
    taggedSection.flatMap { transport(of: $0).iceUfrag }
  }
}
