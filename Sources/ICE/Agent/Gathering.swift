internal import NIOCore

/// What one server is asked for one of our sockets (RFC 8445 section 5.1.1.2).
struct ServerBinding {
  enum State {
    case waiting
    case asking(STUNTransaction)
    /// Answered; to be asked again then, to keep the NAT's mapping.
    case known(refreshAt: NIODeadline)
    case failed
  }

  let base: Base
  let server: TransportAddress
  var state = State.waiting
  /// Whether it has been answered: asking again does not hold up the end of gathering.
  var isAnswered = false

  /// RFC 8489 sends 7 times in 39.5 s; a server that is silent through 5 transmissions is given up, so that the end of
  /// candidates can be told before the peer's patience ends.
  static let lifetime = TimeAmount.milliseconds(9_500)
  static let retransmissionTimeout = TimeAmount.milliseconds(500)

  var nextDeadline: NIODeadline? {
    switch state {
    case .asking(let transaction): transaction.nextDeadline
    case .known(let refreshAt): refreshAt
    case .waiting, .failed: nil
    }
  }

  var isWaiting: Bool {
    if case .waiting = state { true } else { false }
  }

  var isSettled: Bool {
    if case .failed = state { true } else { isAnswered }
  }
}

extension ICEAgent {
  /// Tells of the candidate of a base itself, asks the servers for others, and pairs it.
  func announce(_ base: Base, now: NIODeadline) {
    change(to: .gathering)
    addLocalCandidate(base.isRelay ? .relay : .host, address: base.address, base: base)
    for server in servers { addBinding(base: base, server: server) }
    for remote in generation.remoteCandidates { formPair(base: base, remote: remote, now: now) }
  }

  func addBinding(base: Base, server: TransportAddress) {
    guard base.kind == .datagram, base.address.family == server.family,
      base.address.isLoopback == server.isLoopback, !base.address.isLinkLocal
    else { return }
    bindings.append(ServerBinding(base: base, server: server))
    change(to: .gathering)
  }

  /// Adds a local candidate unless its address is known, which makes it redundant (RFC 8445 section 5.1.3); tells of it
  /// unless it is peer-reflexive, which the peer has found.
  func addLocalCandidate(
    _ type: CandidateType, address: TransportAddress, base: Base, server: TransportAddress? = nil
  ) {
    guard generation.localCandidates.count < Limit.localCandidates,
      !generation.localCandidates.contains(where: { $0.address == address && $0.base.transport == base.transport })
    else { return }
    let serverIndex = type == .serverReflexive ? 1 + (servers.firstIndex { $0 == server } ?? 0) : 0
    let told: Candidate.Address =
      if type == .host, let name = base.name { .name(name, port: address.port) } else { .ip(address) }
    let candidate = Candidate(
      foundation: foundation(type, base: base, server: server), transport: base.candidateTransport,
      priority: base.priority(type, serverIndex: serverIndex), address: told, type: type,
      relatedAddress: relatedAddress(type, base: base), usernameFragment: generation.local.usernameFragment)
    generation.localCandidates.append(LocalCandidate(candidate: candidate, address: address, base: base))
    if type != .peerReflexive { emit(.localCandidate(candidate)) }
  }

  /// What `raddr` and `rport` say; the unspecified address where the real one is not to be told (RFC 8839 section 5.1).
  private func relatedAddress(_ type: CandidateType, base: Base) -> TransportAddress? {
    let nowhere =
      base.address.family == .v4
      ? TransportAddress(v4: 0, port: Base.discardPort) : TransportAddress(v6: 0, 0, port: Base.discardPort)
    switch type {
    case .host: return nil
    case .serverReflexive, .peerReflexive: return base.name == nil ? base.address : nowhere
    case .relay:
      guard configuration.transportPolicy == .all, let mapped = base.mapped, !isHidden(mapped) else { return nowhere }
      return mapped
    }
  }

  /// Whether the peer is told a name in place of this IP address: without a NAT a server sees it as it is.
  private func isHidden(_ address: TransportAddress) -> Bool {
    bases.contains { $0.name != nil && $0.address.hasSameIP(as: address) }
  }

  /// RFC 8445 section 5.1.1.3.
  private func foundation(_ type: CandidateType, base: Base, server: TransportAddress?) -> String {
    let key = FoundationKey(
      type: type, baseIP: base.address.with(port: 0), server: (server ?? base.server)?.with(port: 0),
      transport: base.transport)
    let number = generation.foundations[key] ?? generation.foundations.count + 1
    generation.foundations[key] = number
    return String(number)
  }

  var indexOfWaitingBinding: Int? {
    bindings.firstIndex(where: \.isWaiting)
  }

  func ask(bindingAt index: Int, now: NIODeadline) {
    let id = STUNTransactionID(using: &random)
    let transaction = STUNTransaction(
      id: id, datagram: STUNWriter(.request, transactionID: id).finish(), now: now,
      timeout: ServerBinding.retransmissionTimeout, longestInterval: ServerBinding.lifetime,
      lifetime: ServerBinding.lifetime)
    bindings[index].state = .asking(transaction)
    send(transaction.datagram, toServerOf: bindings[index])
  }

  private func send(_ datagram: ByteBuffer, toServerOf binding: ServerBinding) {
    outputs.append(.transmit(datagram, Route(local: binding.base.address, remote: binding.server)))
  }

  /// Sends again what is unanswered, gives up what is too old, and asks again where a mapping may have gone cold.
  func serviceBindings(_ now: NIODeadline) {
    let keepsMappings = path == nil && connectionState != .failed
    for index in bindings.indices {
      switch bindings[index].state {
      case .asking(let transaction) where now >= transaction.expiresAt:
        bindings[index].state = .failed
      case .asking(var transaction) where now >= transaction.retransmitAt:
        transaction.retransmitted(now)
        bindings[index].state = .asking(transaction)
        send(transaction.datagram, toServerOf: bindings[index])
      case .known(let refreshAt) where now >= refreshAt:
        bindings[index].state = keepsMappings ? .waiting : .known(refreshAt: now + configuration.mappingRefresh)
      case .waiting, .asking, .known, .failed:
        break
      }
    }
  }

  /// - Returns: whether it answers something a server was asked.
  func handleServerResponse(_ message: STUNMessage, on route: Route, now: NIODeadline) -> Bool {
    let index = bindings.firstIndex { binding in
      guard case .asking(let transaction) = binding.state else { return false }
      return transaction.id == message.transactionID
        && route == Route(local: binding.base.address, remote: binding.server)
    }
    guard let index else { return false }
    let (base, server) = (bindings[index].base, bindings[index].server)
    guard message.messageClass == .successResponse, let mapped = message.mappedAddress,
      mapped.isUsable, mapped.family == base.address.family, message.incomprehensible.isEmpty
    else {
      bindings[index].state = .failed
      return true
    }
    bindings[index].isAnswered = true
    bindings[index].state = .known(refreshAt: now + configuration.mappingRefresh)
    addLocalCandidate(.serverReflexive, address: mapped, base: base, server: server)
    return true
  }

  func updateGatheringState() {
    if gatheringState == .gathering, generation.localInputsEnded, bindings.allSatisfy(\.isSettled) {
      change(to: .complete)
    }
  }
}
