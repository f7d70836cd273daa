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

  let base: TransportAddress
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
  /// Tells of a host candidate and asks the servers about it.
  func announceHost(_ base: TransportAddress, now: NIODeadline) {
    change(to: .gathering)
    addLocalCandidate(.host, address: base, base: base, serverIndex: 0)
    for server in servers { addBinding(base: base, server: server) }
    for remote in generation.remoteCandidates { formPair(base: base, remote: remote, now: now) }
  }

  func addBinding(base: TransportAddress, server: TransportAddress) {
    guard base.family == server.family, base.isLoopback == server.isLoopback, !base.isLinkLocal else { return }
    bindings.append(ServerBinding(base: base, server: server))
    change(to: .gathering)
  }

  /// 0...65535, falling with the order of bases and, within one, of servers.
  func localPreference(of base: TransportAddress, serverIndex: Int = 0) -> UInt16 {
    let order = bases.firstIndex(of: base) ?? Limit.bases
    return UInt16(clamping: 65535 - order * (Limit.servers + 1) - serverIndex)
  }

  /// Adds a local candidate unless its address is known; tells of it unless it is peer-reflexive, which the peer has found.
  func addLocalCandidate(_ type: CandidateType, address: TransportAddress, base: TransportAddress, serverIndex: Int) {
    guard generation.localCandidates.count < Limit.localCandidates,
      !generation.localCandidates.contains(where: { $0.transportAddress == address })
    else { return }
    let preference = localPreference(of: base, serverIndex: serverIndex)
    let candidate = Candidate(
      foundation: foundation(type, base: base, serverIndex: serverIndex),
      priority: Priority.candidate(type, local: preference), address: .ip(address), type: type,
      relatedAddress: type == .host ? nil : base, usernameFragment: generation.local.usernameFragment)
    generation.localCandidates.append(candidate)
    if type != .peerReflexive { emit(.localCandidate(candidate)) }
  }

  /// The same for the same type, IP address of the base and server (RFC 8445 section 5.1.1.3).
  private func foundation(_ type: CandidateType, base: TransportAddress, serverIndex: Int) -> String {
    let baseIndex = bases.firstIndex { $0.hasSameIP(as: base) } ?? 0
    let typeIndex =
      switch type {
      case .host: 0
      case .serverReflexive: 1
      case .peerReflexive: 2
      case .relay: 3
      }
    return String((typeIndex * (Limit.servers + 1) + serverIndex) * Limit.bases + baseIndex + 1)
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
    outputs.append(.transmit(datagram, from: binding.base, to: binding.server))
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
  func handleServerResponse(_ message: STUNMessage, on addresses: PairAddresses, now: NIODeadline) -> Bool {
    let index = bindings.firstIndex { binding in
      guard case .asking(let transaction) = binding.state else { return false }
      return transaction.id == message.transactionID && binding.base == addresses.local
        && binding.server == addresses.remote
    }
    guard let index else { return false }
    let (base, server) = (bindings[index].base, bindings[index].server)
    guard message.messageClass == .successResponse, let mapped = message.mappedAddress,
      mapped.isUsable, mapped.family == base.family, message.incomprehensible.isEmpty
    else {
      bindings[index].state = .failed
      return true
    }
    bindings[index].isAnswered = true
    bindings[index].state = .known(refreshAt: now + configuration.mappingRefresh)
    let serverIndex = servers.firstIndex(of: server) ?? 0
    addLocalCandidate(.serverReflexive, address: mapped, base: base, serverIndex: serverIndex + 1)
    return true
  }

  func updateGatheringState() {
    if gatheringState == .gathering, generation.localInputsEnded, bindings.allSatisfy(\.isSettled) {
      change(to: .complete)
    }
  }
}
