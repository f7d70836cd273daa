internal import ICE
internal import NIOCore
internal import SDP

// The operations of W3C's RTCPeerConnection, one after the other.
extension Session {
  func addTrack(_ kind: TrackKind, streamID: String?) throws(PeerConnectionError) {
    try jsep.addTrack(kind, msid: msid(kind, streamID: streamID), sources: newSources())
    checkNegotiation()
  }

  func addTransceiver(
    _ kind: TrackKind, direction: MediaDirection, streamID: String?
  ) throws(PeerConnectionError) {
    let msid = direction.sends ? msid(kind, streamID: streamID) : nil
    try jsep.addTransceiver(kind, direction: direction, msid: msid, sources: newSources())
    checkNegotiation()
  }

  func removeTrack(_ kind: TrackKind) throws(PeerConnectionError) {
    try jsep.removeTracks(kind)
    checkNegotiation()
  }

  /// W3C `restartIce`: asks for an offer with new ICE credentials. Media keeps its path until the new ones have found theirs.
  func restartICE() throws(PeerConnectionError) {
    try jsep.restartICE()
    checkNegotiation()
  }

  func createOffer() throws(PeerConnectionError) -> Description {
    guard jsep.hasToReplace(ice.localCredentials.usernameFragment) else {
      nextCredentials = nil
      return try jsep.createOffer(transport: localTransport(ice.localCredentials))
    }
    let credentials = nextCredentials ?? ice.makeCredentials()
    nextCredentials = credentials
    return try jsep.createOffer(transport: localTransport(credentials))
  }

  func createAnswer() throws(PeerConnectionError) -> Description {
    try jsep.createAnswer(transport: localTransport(ice.localCredentials))
  }

  /// - Parameter description: nil makes and applies the one that fits the state.
  /// - Returns: what was applied.
  func setLocalDescription(
    _ description: Description?, now: NIODeadline
  ) throws(PeerConnectionError) -> Description {
    let made: Description
    if let description {
      made = description
    } else {
      made = jsep.state == .haveRemoteOffer ? try createAnswer() : try createOffer()
    }
    let outcome = try jsep.setLocal(made)
    switch made.type {
    case .offer:
      // Who offers controls (RFC 8445 section 6.1.1); the agent changes its role no more once checks have begun.
      ice.setRole(.controlling, now: now)
      if let credentials = nextCredentials { ice.restart(credentials: credentials, now: now) }
      nextCredentials = nil
    case .answer: break
    case .rollback: ice.undoRestart(now: now)
    }
    apply(outcome, now: now)
    return made
  }

  func setRemoteDescription(
    _ description: Description, rollingBack: Bool, now: NIODeadline
  ) throws(PeerConnectionError) {
    let before = jsep.state
    let outcome = try jsep.setRemote(description, rollingBack: rollingBack, sources: newSources)
    // An offer takes the place of one that was pending, as a rollback does.
    if before != .stable, description.type != .answer { ice.undoRestart(now: now) }
    if description.type == .offer, let offer = jsep.remoteDescription {
      ice.setRole(.controlled, now: now)
      followRestart(of: offer, now: now)
    }
    apply(outcome, now: now)
  }

  private func apply(_ outcome: JSEP.Outcome, now: NIODeadline) {
    noteSignalingState()
    for event in outcome.trackEvents { emit(event) }
    if let agreement = outcome.agreement {
      apply(agreement, now: now)
    }
    // The question is asked anew whenever nothing is pending any more.
    if jsep.state == .stable { isNegotiationNeeded = false }
    checkNegotiation()
    drain(now: now)
  }

  /// Raises `negotiationNeeded` once until the next agreement.
  private func checkNegotiation() {
    guard jsep.needsNegotiation, !isNegotiationNeeded else { return }
    isNegotiationNeeded = true
    emit(.negotiationNeeded)
  }

  private func localTransport(_ credentials: ICECredentials) -> LocalTransport {
    LocalTransport(
      iceUfrag: credentials.usernameFragment, icePassword: credentials.password, fingerprint: certificate.fingerprint)
  }

  private func msid(_ kind: TrackKind, streamID: String?) -> MediaStreamIdentifier? {
    streamID.map { MediaStreamIdentifier(stream: $0, track: "\($0)-\(kind.rawValue)") }
  }

  /// Sources for one more transceiver.
  private func newSources() -> LocalSources {
    func newSSRC() -> UInt32 { .random(in: 1...UInt32.max, using: &random) }
    return LocalSources(ssrc: newSSRC(), retransmissionSSRC: newSSRC(), cname: cname)
  }
}
