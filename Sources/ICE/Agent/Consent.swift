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
    var deadline = min(path.nextConsentCheckAt, path.lastResponse + configuration.consentExpiry)
    if let followUpAt = path.followUpAt { deadline = min(deadline, followUpAt) }
    if let since = path.unansweredSince, !path.isDisconnected {
      deadline = min(deadline, since + configuration.disconnectedAfter)
    }
    return deadline
  }

  func serviceConsent(_ now: NIODeadline) {
    guard let path else { return }
    if now >= path.lastResponse + configuration.consentExpiry { return losePath() }
    if let since = path.unansweredSince, !path.isDisconnected, now >= since + configuration.disconnectedAfter {
      self.path?.isDisconnected = true
      thawPairs()
    }
    if let followUpAt = path.followUpAt, now >= followUpAt { followUp() }
    if now >= path.nextConsentCheckAt { sendConsentCheck(on: path, now: now) }
  }

  private func sendConsentCheck(on path: Path, now: NIODeadline) {
    let (id, datagram) = makeCheck(
      from: path.localCredentials, to: path.remoteCredentials, priority: path.checkPriority, nominating: false)
    self.path?.outstanding.append((id, now, role))
    if path.outstanding.count >= Limit.outstandingConsentChecks { self.path?.outstanding.removeFirst() }
    self.path?.nextConsentCheckAt = now + consentInterval()
    if path.unansweredSince == nil {
      self.path?.unansweredSince = now
      let patience = path.roundTripTime.map { $0 * 2 } ?? .milliseconds(500)
      self.path?.followUpAt = now + max(patience, .milliseconds(500))
    }
    transmit(datagram, on: path.addresses)
  }

  /// A consent check is not retransmitted and the next one is seconds away. So that one lost packet does not look like a
  /// lost path, an ordinary connectivity check follows, which is.
  private func followUp() {
    path?.followUpAt = nil
    guard let path, isCurrent(path), let index = generation.index(of: path.addresses),
      generation.pairs[index].check == nil
    else { return }
    trigger(index)
  }

  func handleConsentResponse(_ response: STUNMessage, on addresses: PairAddresses, now: NIODeadline) -> Bool {
    guard let path, let check = path.outstanding.first(where: { $0.id == response.transactionID }),
      response.isAuthentic(key: path.remoteCredentials.password.utf8), path.addresses == addresses
    else { return false }
    if response.messageClass == .successResponse {
      counters.responsesReceived += 1
      renewConsent(now, roundTripTime: now - check.sentAt)
      selectBestPair(now)
    } else if response.errorCode?.code == 487 {
      yieldRole(claimed: check.role)
    }
    return true
  }

  /// Notes a valid response of the peer on the path.
  func renewConsent(_ now: NIODeadline, roundTripTime sample: TimeAmount?) {
    if path?.isDisconnected == true { generation.improvementEndsAt = now + configuration.improvementWindow }
    path?.lastResponse = now
    path?.outstanding.removeAll()
    path?.unansweredSince = nil
    path?.followUpAt = nil
    path?.isDisconnected = false
    if let sample { path?.measured(sample) }
  }

  /// The path is silent: every pair is tried again, the silent one among them.
  private func thawPairs() {
    guard let path, isCurrent(path) else { return }
    for index in generation.pairs.indices where generation.pairs[index].addresses != path.addresses {
      generation.pairs[index].state = .waiting
      generation.pairs[index].check = nil
      generation.pairs[index].isNominated = false
    }
  }

  /// Consent has expired: nothing may be sent there any more (RFC 7675 section 5.1).
  private func losePath() {
    guard let path else { return }
    self.path = nil
    emit(.selectedPairChange(nil))
    if isCurrent(path) { giveUp() }
  }
}
