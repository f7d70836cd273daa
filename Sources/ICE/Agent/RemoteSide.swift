public import NIOCore

// What the peer tells by signaling.
extension ICEAgent {
  /// Takes the credentials of the peer's description; checks begin. Credentials other than those of the present generation
  /// mean that the peer has restarted: then we do, too, and ``localCredentials`` are new afterwards (RFC 8839 section
  /// 4.4.1.1.1).
  public func setRemoteCredentials(_ credentials: ICECredentials, now: NIODeadline) {
    guard connectionState != .closed, generation.remote != credentials else { return }
    if generation.remote != nil { restart(now: now) }
    replacedGeneration = nil
    generation.remote = credentials
    generation.newsAt = now
    func isOfAnother(_ candidate: Candidate) -> Bool {
      candidate.usernameFragment.map { $0 != credentials.usernameFragment } ?? false
    }
    generation.remoteCandidates.removeAll(where: isOfAnother)
    generation.namedCandidates.removeAll(where: isOfAnother)
    for remote in generation.remoteCandidates { formPairs(with: remote, now: now) }
    resumeEarlyChecks(now: now)
    advance(now)
  }

  /// Takes a candidate of the peer, before or after its credentials.
  /// - Parameter usernameFragment: the generation it belongs to, if signaling says so (`RTCIceCandidate.usernameFragment`).
  /// - Returns: what became of it; a candidate that is of no use to us is no error.
  @discardableResult
  public func addRemoteCandidate(
    _ candidate: Candidate, usernameFragment: String? = nil, now: NIODeadline
  ) -> CandidateDisposition {
    var candidate = candidate
    candidate.usernameFragment = usernameFragment ?? candidate.usernameFragment
    if let reason = reasonToIgnore(candidate) { return .ignored(reason) }
    guard let address = candidate.transportAddress else { return hold(candidate) }
    let known = generation.remoteCandidates.firstIndex { $0.isAt(address, over: candidate.transportProtocol) }
    if let known {
      revealPeerReflexive(at: known, as: candidate)
      return .known
    }
    guard hasRoomForRemoteCandidate else { return .ignored(.tooMany) }
    generation.remoteCandidates.append(candidate)
    if generation.remote != nil {
      generation.newsAt = now
      formPairs(with: candidate, now: now)
    }
    advance(now)
    return .added
  }

  private var hasRoomForRemoteCandidate: Bool {
    generation.remoteCandidates.count + generation.namedCandidates.count < Limit.remoteCandidates
  }

  private func reasonToIgnore(_ candidate: Candidate) -> CandidateDisposition.Reason? {
    if connectionState == .closed { return .closed }
    if case .tcp(let type) = candidate.transport, type != "passive" { return .tcp }
    if candidate.component != 1 { return .otherComponent }
    if let fragment = candidate.usernameFragment, let remote = generation.remote, fragment != remote.usernameFragment {
      return .otherGeneration
    }
    switch candidate.address {
    case .ip(let address): return address.isUsable ? nil : .unusableAddress
    case .name(let name, _): return name.lowercased().hasSuffix(".local") ? nil : .name
    }
  }

  // MARK: Names (draft-ietf-mmusic-mdns-ice-candidates)

  /// Keeps a candidate until its name is resolved. If it never is, the peer may still be found by its own checks.
  private func hold(_ candidate: Candidate) -> CandidateDisposition {
    if generation.namedCandidates.contains(candidate) { return .known }
    guard case .name(let name, _) = candidate.address, hasRoomForRemoteCandidate else { return .ignored(.tooMany) }
    let isAskedFor = generation.namedCandidates.contains { $0.hasName(name) }
    generation.namedCandidates.append(candidate)
    if !isAskedFor { outputs.append(.resolve(name: name)) }
    return .held
  }

  /// Says what an mDNS name stands for; ports are ignored. The first IPv6 and the first IPv4 address are taken.
  /// - Parameter addresses: empty if there was no answer: its candidates are dropped.
  public func resolved(_ name: String, to addresses: [TransportAddress], now: NIODeadline) {
    guard connectionState != .closed else { return }
    let candidates = generation.namedCandidates.filter { $0.hasName(name) }
    generation.namedCandidates.removeAll { $0.hasName(name) }
    let chosen = [TransportAddress.Family.v6, .v4].compactMap { family in addresses.first { $0.family == family } }
    for var candidate in candidates {
      guard case .name(_, let port) = candidate.address else { continue }
      for address in chosen {
        candidate.address = .ip(address.with(port: port))
        addRemoteCandidate(candidate, now: now)
      }
    }
  }
}

extension Candidate {
  /// Names are the same in any case.
  fileprivate func hasName(_ name: String) -> Bool {
    guard case .name(let own, _) = address else { return false }
    return own.lowercased() == name.lowercased()
  }
}
