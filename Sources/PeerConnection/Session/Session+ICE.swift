internal import ICE
internal import NIOCore
internal import SDP

// Credentials and candidates between the descriptions and the ICE agent, and the start of DTLS.
extension Session {
  /// Takes what an offer and its answer agreed on.
  func apply(_ agreement: JSEP.Agreement, now: NIODeadline) {
    guard let transport = agreement.transport else {
      configureStreams([])
      return
    }
    if negotiatedTransport == nil, !agreement.media.allSatisfy(\.rtcpReducedSize) { useCompoundRTCP() }
    do {
      try connect(transport, remote: agreement.remote, now: now)
    } catch {
      return fail(error)
    }
    configureStreams(agreement.media)
  }

  /// Tells ICE and DTLS who the peer is. Another certificate than the first would need another DTLS association, which
  /// nobody asks for in the middle of a call; it is refused.
  private func connect(
    _ transport: NegotiatedTransport, remote: SessionDescription, now: NIODeadline
  ) throws(PeerConnectionError) {
    if let known = negotiatedTransport, Set(known.remoteFingerprints) != Set(transport.remoteFingerprints) {
      throw .notSupported("the peer changed its certificate in the middle of the call")
    }
    let credentials = try transport.credentials
    negotiatedTransport = transport
    transportMid = remote.taggedSection?.mid
    if transport.remoteIsICELite { ice.setRole(.controlling, now: now) }
    ice.setRemoteCredentials(credentials, now: now)
    startHandshake()
    addCandidates(of: remote, now: now)
  }

  /// An offer with other ICE credentials than before restarts ICE (RFC 8839 section 4.4.1.1.1): our answer has to have
  /// new ones, too. Media keeps its path, and DTLS its keys.
  func followRestart(of offer: SessionDescription, now: NIODeadline) {
    guard let known = negotiatedTransport, let section = offer.taggedSection else { return }
    let offered = offer.transport(of: section)
    if offered.iceUfrag != known.remoteUfrag || offered.icePassword != known.remotePassword {
      ice.restart(now: now)
    }
  }

  /// Adds the address of a UDP socket; see ``ICETransport/addLocalAddress(_:name:now:)``.
  func addLocalAddress(_ address: TransportAddress, name: String? = nil, now: NIODeadline) {
    ice.addLocalAddress(address, name: name, now: now)
    drain(now: now)
  }

  /// Adds an address for TCP; see ``ICETransport/addTCPAddress(_:isPassive:now:)``.
  func addTCPAddress(_ address: TransportAddress, isPassive: Bool, now: NIODeadline) {
    ice.addTCPAddress(address, isPassive: isPassive, now: now)
    drain(now: now)
  }

  /// Takes an address away that is ours no longer.
  func removeLocalAddress(_ address: TransportAddress, now: NIODeadline) {
    ice.removeLocalAddress(address, now: now)
    drain(now: now)
  }

  /// Adds a STUN or TURN server, whose name was looked up.
  func addServer(_ server: ICEServer, addresses: [TransportAddress], now: NIODeadline) {
    ice.addServer(server, addresses: addresses, now: now)
    drain(now: now)
  }

  /// Takes other credentials for a TURN server; see ``ICETransport/renewCredentials(of:now:)``.
  func renewCredentials(of server: ICEServer, now: NIODeadline) {
    ice.renewCredentials(of: server, now: now)
    drain(now: now)
  }

  /// Says what a `.local` name stands for; see ``ICETransport/resolved(_:to:now:)``.
  func resolved(_ name: String, to addresses: [TransportAddress], now: NIODeadline) {
    ice.resolved(name, to: addresses, now: now)
    drain(now: now)
  }

  /// Says that no more addresses and servers follow.
  func endOfLocalAddresses(now: NIODeadline) {
    ice.endOfLocalAddresses(now: now)
    drain(now: now)
  }

  /// A DTLS client begins as soon as there is a path, a server is ready for the hello at once.
  func startHandshake() {
    guard let negotiatedTransport, !negotiatedTransport.isDTLSClient || ice.canSend else { return }
    secure.start(
      role: negotiatedTransport.isDTLSClient ? .client : .server,
      fingerprints: negotiatedTransport.remoteFingerprints)
  }

  // MARK: - Candidates of the peer

  /// Takes a candidate that came over signaling. One that comes before the description it belongs to waits for it.
  /// - Throws: ``PeerConnectionError/invalidDescription(_:)`` if it can't be read.
  func addICECandidate(_ candidate: CandidateDescription, now: NIODeadline) throws(PeerConnectionError) {
    if jsep.state == .closed { throw .closed }
    let parsed: Candidate?
    do {
      parsed = try Candidate.parse(candidate.candidate)
    } catch {
      throw .invalidDescription("\(error)")
    }
    if negotiatedTransport == nil {
      if heldCandidates.count < Self.maximumHeldCandidates { heldCandidates.append(candidate) }
      return
    }
    add(parsed, of: candidate, now: now)
    drain(now: now)
  }

  private func add(_ candidate: Candidate?, of description: CandidateDescription, now: NIODeadline) {
    guard isForTransport(description) else { return }
    // The end of candidates is no news: the agent gives the peer its time in any case (RFC 8863).
    if let candidate {
      ice.addRemoteCandidate(candidate, usernameFragment: description.usernameFragment, now: now)
    }
  }

  /// Whether a candidate is of the section whose transport all others share (RFC 9143 section 7.2); browsers send some
  /// for the others, too, before they know that these are bundled.
  private func isForTransport(_ candidate: CandidateDescription) -> Bool {
    // Some leave the mid empty and mean the index.
    if let mid = candidate.sdpMid, !mid.isEmpty { return mid == transportMid }
    guard let index = candidate.sdpMLineIndex, let media = jsep.remoteDescription?.media else { return true }
    return media.indices.contains(index) && media[index].mid == transportMid
  }

  /// Takes the candidates that waited, and those written in the description.
  private func addCandidates(of remote: SessionDescription, now: NIODeadline) {
    let held = heldCandidates
    heldCandidates = []
    for candidate in held { add(try? Candidate.parse(candidate.candidate), of: candidate, now: now) }
    guard let section = transportMid.flatMap({ remote.section(mid: $0) }) else { return }
    for attribute in section.candidates {
      if let candidate = try? Candidate.parse(attribute) { ice.addRemoteCandidate(candidate, now: now) }
    }
  }

  // MARK: - Our candidates

  /// Tells the peer of a candidate, under the section that carries the transport or is offered to.
  func announce(_ candidate: Candidate) {
    emit(.iceCandidate(describe(candidate.attribute, fragment: candidate.usernameFragment)))
  }

  func announceEndOfCandidates() {
    emit(.iceCandidate(describe("", fragment: ice.localCredentials.usernameFragment)))
  }

  private func describe(_ attribute: String, fragment: String?) -> CandidateDescription {
    let local = jsep.localDescription
    let mid = local?.taggedSection?.mid
    return CandidateDescription(
      candidate: attribute, sdpMid: mid, sdpMLineIndex: local?.media.firstIndex { $0.mid == mid } ?? 0,
      usernameFragment: fragment)
  }
}

extension NegotiatedTransport {
  /// The peer's ICE credentials.
  fileprivate var credentials: ICECredentials {
    get throws(PeerConnectionError) {
      do {
        return try ICECredentials(usernameFragment: remoteUfrag, password: remotePassword)
      } catch {
        throw .invalidDescription("\(error)")
      }
    }
  }
}
