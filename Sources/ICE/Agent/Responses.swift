internal import NIOCore

/// What servers and the peer answer (RFC 8445 section 7.2.5).
extension ICEAgent {
  func handleResponse(_ response: STUNMessage, on route: Route, now: NIODeadline) -> Bool {
    handleServerResponse(response, on: route, now: now)
      || handleConsentResponse(response, on: route, now: now)
      || handleCheckResponse(response, on: route, now: now)
  }

  private func handleCheckResponse(_ response: STUNMessage, on route: Route, now: NIODeadline) -> Bool {
    guard let remote = generation.remote,
      let index = generation.pairs.firstIndex(where: { $0.check?.transaction.id == response.transactionID }),
      let check = generation.pairs[index].check
    else { return false }
    let isAuthentic = response.isAuthentic(key: remote.password.utf8)
    if response.messageClass == .errorResponse {
      guard generation.pairs[index].route == route else { return false }
      return handleError(response, isAuthentic: isAuthentic, toCheckOf: index, check: check)
    }
    guard isAuthentic, let mapped = response.mappedAddress, response.incomprehensible.isEmpty else { return false }
    counters.responsesReceived += 1
    guard generation.pairs[index].route == route else {
      // Not symmetric (section 7.2.5.2.1): media would not come back either.
      fail(pairAt: index)
      return true
    }
    succeed(pairAt: index, check: check, mapped: mapped, now: now)
    return true
  }

  private func succeed(pairAt index: Int, check: Check, mapped: TransportAddress, now: NIODeadline) {
    addLocalCandidate(.peerReflexive, address: mapped, base: generation.pairs[index].base)
    generation.pairs[index].check = nil
    generation.pairs[index].state = .succeeded
    generation.pairs[index].hasFailed = false
    generation.pairs[index].mapped = mapped
    generation.pairs[index].lastResponse = now
    if let sample = check.transaction.roundTripTime(now) { generation.pairs[index].measured(sample) }
    let nominated = check.nominates || role == .controlled && generation.pairs[index].isNominatedByPeer
    if nominated { generation.pairs[index].isNominated = true }
    if generation.firstValidAt == nil { generation.firstValidAt = now }
    if var path, isCurrent(path), path.route == generation.pairs[index].route {
      path.outstanding.removeAll { $0.sentAt <= check.transaction.sentAt }
      self.path = path
      renewConsent(now, roundTripTime: check.transaction.roundTripTime(now))
    }
    selectBestPair(now)
  }

  /// - Returns: whether the error was taken; else the check goes on as if nothing had come.
  private func handleError(_ response: STUNMessage, isAuthentic: Bool, toCheckOf index: Int, check: Check) -> Bool {
    guard let error = response.errorCode else { return false }
    switch error.code {
    case 487:
      guard isAuthentic else { return false }
      yieldRole(claimed: check.role)
      generation.pairs[index].check = nil
      if generation.pairs[index].state != .succeeded { generation.pairs[index].state = .waiting }
      trigger(index)
      return true
    case 401, 500...599:
      // The peer may not have our description yet, or be busy: retransmissions will tell.
      return true
    default:
      // Who can't read a request can't sign what it says about that (RFC 8489 section 9.1.3).
      guard isAuthentic || [400, 420].contains(error.code) else { return false }
      fail(pairAt: index)
      return true
    }
  }

  /// The peer has won a role conflict (RFC 8445 section 7.2.5.1).
  /// - Parameter claimed: the role of the request; if it is no longer ours, the conflict is settled already.
  func yieldRole(claimed: Role) {
    guard claimed == role else { return }
    counters.roleConflicts += 1
    tieBreaker = random.next()
    switchRole(to: role.opposite)
  }
}
