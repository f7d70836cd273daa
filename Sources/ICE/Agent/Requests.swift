internal import NIOCore

/// The peer's checks (RFC 8445 section 7.3).
extension ICEAgent {
  /// Answers a check and learns from it. A request that is not authentic is not answered at all: there is nothing to gain
  /// for an honest peer and something to learn or amplify for another.
  func handleRequest(_ request: STUNMessage, on route: Route, of base: Base, now: NIODeadline) -> Bool {
    guard let credentials = credentials(addressedBy: request), request.isAuthentic(key: credentials.password.utf8)
    else {
      return false
    }
    counters.requestsReceived += 1
    unknownConnections.removeAll { $0.route == route }
    let unknown = request.incomprehensible
    if !unknown.isEmpty {
      respond(to: request, with: .unknownAttribute, unknown: unknown, key: credentials, on: route)
    } else if request.priority == nil {
      respond(to: request, with: .badRequest, key: credentials, on: route)
    } else if !settleRole(request) {
      respond(to: request, with: .roleConflict, key: credentials, on: route)
    } else {
      var writer = STUNWriter(.successResponse, transactionID: request.transactionID)
      writer.append(xorMappedAddress: route.remote)
      send(writer.finish(key: credentials.password.utf8), on: route)
      if credentials == generation.local { learn(from: request, on: route, of: base, now: now) }
    }
    return true
  }

  /// Ours that the user name begins with: of the present generation, or of the one whose path is still in use.
  private func credentials(addressedBy request: STUNMessage) -> ICECredentials? {
    guard let username = request.username, let colon = username.firstIndex(of: ":") else { return nil }
    let fragment = username[..<colon]
    if fragment == generation.local.usernameFragment { return generation.local }
    if let path, fragment == path.localCredentials.usernameFragment { return path.localCredentials }
    return nil
  }

  private func respond(
    to request: STUNMessage, with error: STUNErrorCode, unknown: [STUNAttributeType] = [], key: ICECredentials,
    on route: Route
  ) {
    var writer = STUNWriter(.errorResponse, transactionID: request.transactionID)
    writer.append(error)
    if !unknown.isEmpty { writer.append(unknownAttributes: unknown) }
    send(writer.finish(key: key.password.utf8), on: route)
  }

  private func send(_ response: ByteBuffer, on route: Route) {
    outputs.append(.transmit(response, route))
  }

  /// Repairs a role conflict (RFC 8445 section 7.3.1.1).
  /// - Returns: false if the peer has to switch.
  private func settleRole(_ request: STUNMessage) -> Bool {
    switch role {
    case .controlling:
      guard let theirs = request.iceControlling else { return true }
      counters.roleConflicts += 1
      if tieBreaker >= theirs { return false }
    case .controlled:
      guard let theirs = request.iceControlled else { return true }
      counters.roleConflicts += 1
      if tieBreaker < theirs { return false }
    }
    switchRole(to: role.opposite)
    return true
  }

  /// Peer-reflexive candidates, triggered checks and nomination (RFC 8445 sections 7.3.1.3 to 7.3.1.5).
  private func learn(from request: STUNMessage, on route: Route, of base: Base, now: NIODeadline) {
    guard connectionState != .failed, let priority = request.priority else { return }
    addPeerReflexive(route, priority: priority, now: now)
    if let candidate = generation.remoteCandidate(at: route.remote, over: route.transport) {
      formPair(base: base, remote: candidate, route: route, now: now)
    }
    let nominates = request.useCandidate && role == .controlled
    guard let index = generation.index(of: route) else {
      // The peer's answer is not here yet: its check is remembered and returned when its credentials come.
      if generation.remote == nil { rememberEarlyCheck(route, nominates: nominates) }
      return
    }
    noteCheck(onPairAt: index, nominates: nominates, now: now)
  }

  private func noteCheck(onPairAt index: Int, nominates: Bool, now: NIODeadline) {
    if nominates { generation.pairs[index].isNominatedByPeer = true }
    let isPath = path.map { isCurrent($0) && $0.route == generation.pairs[index].route } ?? false
    switch generation.pairs[index].state {
    case .succeeded:
      if nominates, !generation.pairs[index].isNominated {
        generation.pairs[index].isNominated = true
        selectBestPair(now)
        // Perhaps it has left the path: a response would show that this one works now.
        if !isPath { trigger(index) }
      }
      // The peer is back: so may be the way to it.
      if isPath, path?.isDisconnected == true { trigger(index) }
    case .frozen:
      if nominates || path?.isDisconnected == true { trigger(index) }
    case .waiting, .inProgress, .failed:
      trigger(index)
    }
  }

  private func addPeerReflexive(_ route: Route, priority: UInt32, now: NIODeadline) {
    guard generation.remoteCandidates.count < Limit.remoteCandidates, route.remote.isUsable,
      generation.remoteCandidate(at: route.remote, over: route.transport) == nil
    else { return }
    generation.remoteCandidates.append(
      Candidate(
        foundation: "prflx\(generation.remoteCandidates.count)",
        // The side that the connection comes from is the active one.
        transport: route.transport == .udp ? .udp : .tcp(type: "active"), priority: priority,
        address: .ip(route.remote), type: .peerReflexive))
    generation.newsAt = now
  }

  // MARK: Checks that overtake the answer

  private func rememberEarlyCheck(_ route: Route, nominates: Bool) {
    if let known = generation.earlyChecks.firstIndex(where: { $0.route == route }) {
      if nominates { generation.earlyChecks[known].nominates = true }
    } else if generation.earlyChecks.count < Limit.remoteCandidates {
      generation.earlyChecks.append((route, nominates))
    }
  }

  /// Returns the checks that came before the peer's credentials (RFC 8445 section 7.3.1.4, last paragraph).
  func resumeEarlyChecks(now: NIODeadline) {
    for early in generation.earlyChecks {
      // Candidates alone do not make pairs for connections of the peer.
      if let base = base(of: early.route),
        let candidate = generation.remoteCandidate(at: early.route.remote, over: early.route.transport)
      {
        formPair(base: base, remote: candidate, route: early.route, now: now)
      }
      guard let index = generation.index(of: early.route) else { continue }
      noteCheck(onPairAt: index, nominates: early.nominates, now: now)
    }
    generation.earlyChecks = []
  }
}
