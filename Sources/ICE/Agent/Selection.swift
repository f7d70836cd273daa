internal import NIOCore

/// Which pair is nominated, and which one media takes (RFC 8445 section 8).
extension ICEAgent {
  /// Working pairs other than a path that is no good any more.
  private func usablePairs(_ now: NIODeadline) -> [CandidatePair] {
    let useless = path.flatMap { isCurrent($0) && isUseless($0, now: now) ? $0.route : nil }
    return generation.pairs.filter { $0.state == .succeeded && $0.route != useless }
  }

  /// Whether the path counts as disconnected, or is silent while a pair that was nominated beside it has answered: then
  /// the peer has left it.
  private func isUseless(_ path: Path, now: NIODeadline) -> Bool {
    if path.isDisconnected { return true }
    guard isSilent(path, now: now), isCurrent(path) else { return false }
    return generation.pairs.contains { pair in
      pair.state == .succeeded && pair.isNominated && pair.route != path.route
        && pair.lastResponse.map { $0 > path.lastResponse } ?? false
    }
  }

  // MARK: Nomination (controlling)

  /// Regular nomination (RFC 8445 section 8.1.1): the best working pair, once nothing better can come or patience ends.
  /// A better pair that works later is nominated in its turn, as browsers do; peers that hold to the first still take
  /// media on both.
  func nominate(_ now: NIODeadline) {
    guard role == .controlling, connectionState != .failed,
      let best = usablePairs(now).max(by: { $0.priority < $1.priority }), !best.isNominated,
      let index = generation.index(of: best.route)
    else { return }
    if let path, isCurrent(path), path.isNominated, !path.isDisconnected, path.priority >= best.priority { return }
    let nominating = generation.pairs.first { $0.check?.nominates ?? false }
    if let nominating, nominating.priority >= best.priority { return }
    if let deadline = nominationDeadline, now < deadline, isBetterPairPending(than: best) { return }
    beginCheck(at: index, nominating: true, now: now)
  }

  private func isBetterPairPending(than best: CandidatePair) -> Bool {
    generation.pairs.contains { $0.isPending && !$0.hasFailed && $0.priority > best.priority }
  }

  /// When patience with better pairs ends; nil if there is nothing to nominate.
  var nominationDeadline: NIODeadline? {
    guard role == .controlling, let firstValidAt = generation.firstValidAt else { return nil }
    return firstValidAt + configuration.nominationPatience
  }

  // MARK: Selection

  /// Moves media to the best pair: nominated before merely working, then by priority. That is also what RFC 8445 section
  /// 8.1.2 asks of a controlled agent whose peer nominates several (aggressive nomination of RFC 5245).
  func selectBestPair(_ now: NIODeadline) {
    let best = usablePairs(now).max { ($0.isNominated ? 1 : 0, $0.priority) < ($1.isNominated ? 1 : 0, $1.priority) }
    guard let best else { return }
    if let path {
      if isCurrent(path), path.route == best.route {
        if best.isNominated, !path.isNominated { select(best, now: now) }
        return
      }
      let isBetter =
        isCurrent(path)
        ? (best.isNominated ? 1 : 0, best.priority) > (path.isNominated ? 1 : 0, path.priority)
        : best.isNominated
      let isLeft = isUseless(path, now: now)
      guard isBetter || isLeft else { return }
      if isLeft, let old = generation.index(of: path.route) {
        // It has to prove itself again before media goes back.
        generation.pairs[old].state = .waiting
        generation.pairs[old].isNominated = false
      }
    }
    select(best, now: now)
  }

  private func select(_ pair: CandidatePair, now: NIODeadline) {
    guard let remoteCredentials = generation.remote,
      let remote = generation.remoteCandidate(at: pair.route.remote, over: pair.route.transport),
      let local = localCandidate(of: pair)
    else { return }
    let description = SelectedPair(
      local: local, remote: remote, route: pair.route, isNominated: pair.isNominated)
    if let old = path, isCurrent(old), old.route == pair.route {
      path?.description = description
    } else {
      if let path { closeConnection(of: path) }
      path = Path(
        base: pair.base, route: pair.route, localCredentials: generation.local, remoteCredentials: remoteCredentials,
        priority: pair.priority, description: description, roundTripTime: pair.roundTripTime,
        lastResponse: pair.lastResponse ?? now, nextConsentCheckAt: now + consentInterval(),
        nextPathCheckAt: now + configuration.pathCheckInterval)
      hasLostPath = false
    }
    emit(.selectedPairChange(description))
    if pair.isNominated {
      generation.improvementEndsAt = now + configuration.improvementWindow
      if let path { freezePairs { isNeedless($0, beside: path) } }
    }
  }

  private func localCandidate(of pair: CandidatePair) -> Candidate? {
    let candidates = generation.localCandidates.filter { $0.base.transport == pair.base.transport }
    let local = candidates.first { $0.address == pair.mapped } ?? candidates.first { $0.base == pair.base }
    return local?.candidate
  }

  /// With a nominated pair at work better ones are of interest, and those that leave from elsewhere: one day the path's
  /// interface may be gone.
  func isNeedless(_ pair: CandidatePair, beside path: Path) -> Bool {
    pair.priority < path.priority && pair.base == path.base
  }

  /// Sets pairs aside that are not needed any more (RFC 8445 section 8.1.2).
  private func freezePairs(where isNeedless: (CandidatePair) -> Bool) {
    for index in generation.pairs.indices
    where generation.pairs[index].isPending && isNeedless(generation.pairs[index]) {
      closeConnection(of: generation.pairs[index])
      generation.pairs[index].state = .frozen
      forgetConnection(ofPairAt: index)
    }
  }

  /// When the search for better pairs than the nominated one ends; nil if there is none under way.
  var improvementDeadline: NIODeadline? {
    guard let path, isCurrent(path), path.isNominated, !path.isDisconnected, generation.hasPendingPairs else {
      return nil
    }
    return generation.improvementEndsAt
  }

  func endImprovement(_ now: NIODeadline) {
    if let deadline = improvementDeadline, now >= deadline { freezePairs { _ in true } }
  }

  // MARK: State

  func updateConnectionState(_ now: NIODeadline) {
    guard connectionState != .failed else { return }
    if let path {
      let isSettled = path.isNominated && (!isCurrent(path) || !generation.hasPendingPairs)
      change(to: path.isDisconnected ? .disconnected : isSettled ? .completed : .connected)
    } else if generation.remote == nil {
      change(to: hasLostPath ? .disconnected : ConnectionState.new)
    } else if let failureDeadline, now >= failureDeadline,
      !generation.pairs.contains(where: { $0.isPending && !$0.hasFailed })
    {
      giveUp()
    } else {
      change(to: hasLostPath ? .disconnected : .checking)
    }
  }

  /// When hope ends that the peer tells or shows more candidates (RFC 8863 section 4); nil while there is a path.
  var failureDeadline: NIODeadline? {
    guard path == nil, connectionState != .failed, generation.remote != nil else { return nil }
    return generation.newsAt.map { $0 + configuration.failurePatience }
  }

  func giveUp() {
    for index in generation.pairs.indices where generation.pairs[index].state != .failed { fail(pairAt: index) }
    generation.triggered.removeAll()
    hasLostPath = false
    change(to: .failed)
  }
}

/// Pairs in reserve, and what is done when the path is gone for sure.
extension ICEAgent {
  /// The best working pair of each base but the path's. They are kept warm: their consent, and the mappings of NATs.
  var reserve: [Int] {
    guard let path, isCurrent(path), path.isNominated, !path.isDisconnected else { return [] }
    var best: [Base: Int] = [:]
    for (index, pair) in generation.pairs.enumerated() where pair.state == .succeeded && pair.base != path.base {
      if let other = best[pair.base], generation.pairs[other].priority >= pair.priority { continue }
      best[pair.base] = index
    }
    let byPriority = best.values.sorted { generation.pairs[$0].priority > generation.pairs[$1].priority }
    return Array(byPriority.prefix(Limit.pairsInReserve))
  }

  /// When a pair in reserve is to be checked; nil while it is.
  func reserveCheckDeadline(ofPairAt index: Int) -> NIODeadline? {
    let pair = generation.pairs[index]
    guard pair.check == nil, let lastResponse = pair.lastResponse else { return nil }
    return lastResponse + configuration.reserveCheckInterval
  }

  func checkReserve(_ now: NIODeadline) {
    for index in reserve {
      guard let deadline = reserveCheckDeadline(ofPairAt: index), now >= deadline else { continue }
      beginCheck(at: index, nominating: false, lifetime: Check.reserveLifetime, now: now)
    }
  }

  /// The path's socket, relay or connection is gone. Media takes the best pair that worked of late; all are tried.
  func abandonPath(_ now: NIODeadline) {
    path = nil
    hasLostPath = true
    generation.newsAt = now
    for index in generation.pairs.indices {
      generation.pairs[index].isNominated = false
      generation.pairs[index].isNominatedByPeer = false
      let isFresh = generation.pairs[index].lastResponse.map { now - $0 < configuration.consentExpiry } ?? false
      if generation.pairs[index].state != .succeeded || !isFresh { retry(index) }
    }
    selectBestPair(now)
    if path == nil { emit(.selectedPairChange(nil)) }
  }

  /// Has a pair checked as if it were new.
  func retry(_ index: Int) {
    guard !generation.pairs[index].isLost, generation.pairs[index].connectsUntil == nil else { return }
    generation.pairs[index].state = .waiting
    generation.pairs[index].check = nil
    generation.pairs[index].isNominated = false
  }
}
