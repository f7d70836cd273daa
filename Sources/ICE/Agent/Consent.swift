internal import DequeModule
internal import NIOCore

/// Consent freshness (RFC 7675), and what is done about a path that has gone silent.
extension ICEAgent {
  /// 0.8...1.2 times the mean, so that agents do not fall into step (RFC 7675 section 5.1).
  func consentInterval() -> TimeAmount {
    let mean = configuration.consentInterval.nanoseconds
    return .nanoseconds(Int64.random(in: mean / 5 * 4...mean / 5 * 6, using: &random))
  }

  var consentDeadline: NIODeadline? {
    guard let path else { return nil }
    var deadline = min(
      path.nextConsentCheckAt, path.nextPathCheckAt, path.lastResponse + configuration.consentExpiry)
    if let since = path.unansweredSince, !path.isDisconnected {
      deadline = min(deadline, since + configuration.disconnectedAfter)
    }
    return deadline
  }

  func serviceConsent(_ now: NIODeadline) {
    guard let path else { return }
    if now >= path.lastResponse + configuration.consentExpiry { return losePath(now) }
    if let since = path.unansweredSince, !path.isDisconnected, now >= since + configuration.disconnectedAfter {
      self.path?.isDisconnected = true
      thawPairs()
    }
    if now >= path.nextConsentCheckAt {
      self.path?.nextConsentCheckAt = now + consentInterval()
      sendCheck(on: path, now: now)
    } else if now >= path.nextPathCheckAt {
      sendCheck(on: path, now: now)
    }
  }

  /// A check of the path, sent once: there are others (RFC 7675 section 5.1).
  private func sendCheck(on path: Path, now: NIODeadline) {
    let (id, datagram) = makeCheck(
      from: path.localCredentials, to: path.remoteCredentials, priority: path.base.priority(.peerReflexive),
      nominating: false)
    if path.outstanding.count >= Limit.outstandingPathChecks { self.path?.outstanding.removeFirst() }
    self.path?.outstanding.append((id, now, role))
    if path.unansweredSince == nil { self.path?.unansweredSince = now }
    let isSilent = isSilent(path, now: now)
    self.path?.nextPathCheckAt =
      now + (isSilent ? configuration.silentPathCheckInterval : configuration.pathCheckInterval)
    transmit(datagram, on: path.route)
    if isSilent { selectBestPair(now) }
  }

  /// Whether a response is overdue.
  func isSilent(_ path: Path, now: NIODeadline) -> Bool {
    let patience = max(configuration.pathCheckInterval, path.roundTripTime.map { $0 * 2 } ?? .zero)
    return path.unansweredSince.map { now - $0 >= patience } ?? false
  }

  func handleConsentResponse(_ response: STUNMessage, on route: Route, now: NIODeadline) -> Bool {
    guard let path, path.route == route,
      let index = path.outstanding.firstIndex(where: { $0.id == response.transactionID }),
      response.isAuthentic(key: path.remoteCredentials.password.utf8)
    else { return false }
    let check = path.outstanding[index]
    if response.messageClass == .successResponse {
      counters.responsesReceived += 1
      self.path?.outstanding.removeSubrange(...index)
      renewConsent(now, roundTripTime: now - check.sentAt)
      selectBestPair(now)
    } else if response.errorCode?.code == 487 {
      yieldRole(claimed: check.role)
    }
    return true
  }

  /// Notes a valid response of the peer on the path.
  func renewConsent(_ now: NIODeadline, roundTripTime sample: TimeAmount?) {
    guard var path else { return }
    if path.isDisconnected { generation.improvementEndsAt = now + configuration.improvementWindow }
    path.lastResponse = now
    path.unansweredSince = path.outstanding.first?.sentAt
    path.isDisconnected = false
    if let sample { path.measured(sample) }
    self.path = path
    if isCurrent(path), let index = generation.index(of: path.route) { generation.pairs[index].lastResponse = now }
  }

  /// The path is silent: every pair is tried again.
  private func thawPairs() {
    guard let path, isCurrent(path) else { return }
    for index in generation.pairs.indices where generation.pairs[index].route != path.route { retry(index) }
  }

  /// Consent has expired: nothing may be sent there any more (RFC 7675 section 5.1).
  private func losePath(_ now: NIODeadline) {
    guard let path else { return }
    self.path = nil
    emit(.selectedPairChange(nil))
    closeConnection(of: path)
    if isCurrent(path) {
      giveUp()
    } else {
      hasLostPath = true
      selectBestPair(now)
    }
  }
}
