internal import DequeModule
internal import NIOCore

/// The check list: forming pairs, and sending checks at the pace of Ta (RFC 8445 section 6).
extension ICEAgent {
  // MARK: Pairs

  func formPairs(with remote: Candidate, now: NIODeadline) {
    for base in bases { formPair(base: base, remote: remote, now: now) }
  }

  /// Adds the pair, if it can work and there is room (RFC 8445 section 6.1.2.2 to 6.1.2.5).
  /// - Parameter route: the one a check came on; nil: the one that checks of ours would take.
  func formPair(base: Base, remote: Candidate, route: Route? = nil, now: NIODeadline) {
    guard generation.remote != nil, let route = route ?? base.route(to: remote), generation.index(of: route) == nil
    else { return }
    var pair = CandidatePair(
      base: base, route: route, localPriority: base.priority(base.isRelay ? .relay : .host),
      remotePriority: remote.priority)
    pair.updatePriority(role: role)
    guard makeRoom(for: pair) else { return }
    if let path, isCurrent(path), path.isNominated, !path.isDisconnected {
      if isNeedless(pair, beside: path) { pair.state = .frozen }
      generation.improvementEndsAt = now + configuration.improvementWindow
    }
    generation.pairs.append(pair)
  }

  /// Drops the least pair that is not working if the list is full; whether there is room now.
  private func makeRoom(for pair: CandidatePair) -> Bool {
    guard generation.pairs.count >= Limit.pairs else { return true }
    let least = generation.pairs.indices.filter { generation.pairs[$0].state != .succeeded }
      .min { generation.pairs[$0].priority < generation.pairs[$1].priority }
    guard let least, generation.pairs[least].priority < pair.priority else { return false }
    closeConnection(of: generation.pairs[least])
    generation.pairs.remove(at: least)
    return true
  }

  /// Whether the path belongs to the present generation.
  func isCurrent(_ path: Path) -> Bool {
    path.localCredentials == generation.local
  }

  /// A candidate told by signaling that a check had shown before (RFC 8838 section 11).
  func revealPeerReflexive(at index: Int, as candidate: Candidate) {
    guard generation.remoteCandidates[index].type == .peerReflexive else { return }
    generation.remoteCandidates[index] = candidate
    if let path, isCurrent(path), candidate.isAt(path.route.remote, over: path.route.transport) {
      self.path?.description.remote = candidate
    }
    for index in generation.pairs.indices
    where candidate.isAt(generation.pairs[index].route.remote, over: generation.pairs[index].route.transport) {
      generation.pairs[index].remotePriority = candidate.priority
      generation.pairs[index].updatePriority(role: role)
    }
  }

  func switchRole(to role: Role) {
    guard role != self.role else { return }
    self.role = role
    for index in generation.pairs.indices { generation.pairs[index].updatePriority(role: role) }
    if let path, let index = generation.index(of: path.route), isCurrent(path) {
      self.path?.priority = generation.pairs[index].priority
    }
    emit(.roleChange(role))
  }

  // MARK: Sending

  /// Puts a pair into the triggered-check queue (RFC 8445 section 7.3.1.4).
  func trigger(_ index: Int) {
    let pair = generation.pairs[index]
    guard !pair.isLost, pair.connectsUntil == nil else { return }
    if pair.state == .frozen || pair.state == .failed { generation.pairs[index].state = .waiting }
    if !generation.triggered.contains(pair.route) { generation.triggered.append(pair.route) }
  }

  /// Whether something waits for its turn at ``nextTransactionAt``.
  var hasTransactionToBegin: Bool {
    guard connectionState != .failed else { return false }
    return generation.remote != nil && (!generation.triggered.isEmpty || bestWaitingPair != nil)
      || indexOfWaitingBinding != nil
  }

  private var bestWaitingPair: Int? {
    generation.pairs.indices.filter { generation.pairs[$0].state == .waiting }
      .max { generation.pairs[$0].priority < generation.pairs[$1].priority }
  }

  /// Begins transactions as Ta allows: triggered checks, then servers, then ordinary checks (RFC 8445 section 6.1.4.2).
  func beginTransactions(_ now: NIODeadline) {
    while now >= nextTransactionAt, connectionState != .failed, beginTransaction(now) {
      generation.transactions += 1
      let isFirst = generation.transactions < configuration.initialBurst
      nextTransactionAt = now + (isFirst ? configuration.initialPacing : configuration.pacing)
    }
  }

  private func beginTransaction(_ now: NIODeadline) -> Bool {
    if generation.remote != nil {
      while let route = generation.triggered.popFirst() {
        guard let index = generation.index(of: route), generation.pairs[index].state != .frozen else { continue }
        if generation.pairs[index].check == nil {
          beginCheck(at: index, nominating: false, now: now)
        } else if route.transport == .udp {
          retransmitCheck(at: index, now: now)
        }
        return true
      }
    }
    if let index = indexOfWaitingBinding {
      ask(bindingAt: index, now: now)
      return true
    }
    guard generation.remote != nil, let index = bestWaitingPair else { return false }
    beginCheck(at: index, nominating: false, now: now)
    return true
  }

  /// Sends the first request of a check (RFC 8445 section 7.2.4); over TCP the connection comes first.
  /// - Parameter lifetime: how long an answer is waited for.
  func beginCheck(at index: Int, nominating: Bool, lifetime: TimeAmount = Check.lifetime, now: NIODeadline) {
    guard let remote = generation.remote else { return }
    let pair = generation.pairs[index]
    if pair.needsConnection { return connect(pairAt: index, now: now) }
    let active = generation.pairs.count(where: \.isPending)
    let (id, datagram) = makeCheck(
      from: generation.local, to: remote, priority: pair.base.priority(.peerReflexive), nominating: nominating)
    // RFC 8445 section 14.3; a check sent again sooner would break the pace of Ta.
    // Over TCP nothing is sent twice (RFC 6544 section 7.1).
    let timeout = pair.route.transport == .tcp ? lifetime : max(.milliseconds(500), configuration.pacing * active)
    generation.pairs[index].check = Check(
      transaction: STUNTransaction(
        id: id, datagram: datagram, now: now, timeout: timeout, longestInterval: Check.longestInterval,
        lifetime: lifetime),
      role: role, nominates: nominating)
    if pair.state != .succeeded { generation.pairs[index].state = .inProgress }
    transmit(datagram, on: pair.route)
  }

  private func retransmitCheck(at index: Int, now: NIODeadline) {
    generation.pairs[index].check?.transaction.retransmitted(now)
    guard let check = generation.pairs[index].check else { return }
    transmit(check.transaction.datagram, on: generation.pairs[index].route)
  }

  func transmit(_ request: ByteBuffer, on route: Route) {
    counters.requestsSent += 1
    outputs.append(.transmit(request, route))
  }

  /// A Binding request with all that RFC 8445 section 7.1 asks for.
  func makeCheck(
    from local: ICECredentials, to remote: ICECredentials, priority: UInt32, nominating: Bool
  ) -> (STUNTransactionID, ByteBuffer) {
    let id = STUNTransactionID(using: &random)
    var writer = STUNWriter(.request, transactionID: id)
    writer.append(.username, text: "\(remote.usernameFragment):\(local.usernameFragment)")
    writer.append(.priority, integer: priority)
    writer.append(role == .controlling ? .iceControlling : .iceControlled, integer: tieBreaker)
    if nominating { writer.append(.useCandidate) }
    return (id, writer.finish(key: remote.password.utf8))
  }

  /// Sends again what is unanswered and fails what is too old.
  func serviceChecks(_ now: NIODeadline) {
    for index in generation.pairs.indices {
      guard let check = generation.pairs[index].check else { continue }
      if now >= check.transaction.expiresAt {
        fail(pairAt: index)
      } else if now >= check.transaction.retransmitAt {
        retransmitCheck(at: index, now: now)
      }
    }
  }

  func fail(pairAt index: Int) {
    closeConnection(of: generation.pairs[index])
    markFailed(index)
    forgetConnection(ofPairAt: index)
  }

  func markFailed(_ index: Int) {
    generation.pairs[index].check = nil
    generation.pairs[index].state = .failed
    generation.pairs[index].hasFailed = true
    generation.pairs[index].isNominated = false
  }
}
