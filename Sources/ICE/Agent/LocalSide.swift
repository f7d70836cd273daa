public import NIOCore

// What we can be reached at: sockets, relays and the servers that tell our reflexive addresses.
extension ICEAgent {
  /// Adds a UDP socket's address: a host candidate, from which servers are asked for reflexive ones. Order is preference,
  /// TCP and relays included. Beyond 48 bases none is taken, and under ``TransportPolicy/relay`` none but relays. May
  /// happen at any time: the candidates belong to the present generation, and better pairs are taken.
  /// - Parameter name: an mDNS name to tell in place of the IP address (`<uuid>.local`).
  public func addLocalAddress(_ address: TransportAddress, name: String? = nil, now: NIODeadline) {
    add(.datagram, at: address, name: name, now: now)
  }

  /// Adds a host candidate for TCP (RFC 6544).
  /// - Parameters:
  ///   - address: passive: of the listening socket; active: the IP address to connect from, whatever the port.
  ///   - isPassive: whether peers connect to us there.
  public func addTCPAddress(_ address: TransportAddress, isPassive: Bool, now: NIODeadline) {
    let name = bases.first { $0.name != nil && $0.address.hasSameIP(as: address) }?.name
    let address = isPassive ? address : address.with(port: Base.discardPort)
    add(isPassive ? .listener : .connector, at: address, name: name, now: now)
  }

  /// Adds a relay candidate, which is a base of its own.
  /// - Parameters:
  ///   - mapped: the address the server sees us at.
  ///   - transport: what carries us to the server; the relays of a lesser one are less preferred.
  public func addRelayedAddress(
    _ relayed: TransportAddress, mapped: TransportAddress?, server: TransportAddress,
    over transport: ICEServer.Transport = .udp, now: NIODeadline
  ) {
    add(.relay(over: transport), at: relayed, server: server, mapped: mapped, now: now)
  }

  private func add(
    _ kind: Base.Kind, at address: TransportAddress, name: String? = nil, server: TransportAddress? = nil,
    mapped: TransportAddress? = nil, now: NIODeadline
  ) {
    let number = (0..<Limit.bases).first { number in !bases.contains { $0.number == number } }
    guard connectionState != .closed, let number, address.isUsable else { return }
    let base = Base(address: address, kind: kind, number: number, name: name, server: server, mapped: mapped)
    guard configuration.transportPolicy == .all || base.isRelay,
      !bases.contains(where: { $0.address == address && $0.transport == base.transport })
    else { return }
    bases.append(base)
    announce(base, now: now)
    advance(now)
  }

  /// Takes an address of any kind back: its interface or its allocation is gone. So are its candidates and pairs; media
  /// that took one of these goes to the best of the others that worked within the last 30 s, or else waits for one.
  public func removeLocalAddress(_ address: TransportAddress, now: NIODeadline) {
    let gone = bases.filter {
      $0.address == ($0.kind == .connector ? address.with(port: Base.discardPort) : address)
        && ($0.kind != .connector || address.port == 0 || address.port == Base.discardPort)
    }
    guard connectionState != .closed, !gone.isEmpty else { return }
    for base in gone {
      for pair in generation.pairs where pair.base == base { closeConnection(of: pair) }
      bases.removeAll { $0 == base }
      bindings.removeAll { $0.base == base }
      generation.remove(base)
      replacedGeneration?.remove(base)
    }
    if let path, gone.contains(path.base) {
      closeConnection(of: path)
      abandonPath(now)
    }
    advance(now)
  }

  /// Adds a STUN server to ask, now and in later generations. Beyond 8 none is taken.
  public func addSTUNServer(_ address: TransportAddress, now: NIODeadline) {
    guard connectionState != .closed, servers.count < Limit.servers, address.isUsable, !servers.contains(address) else {
      return
    }
    servers.append(address)
    for base in bases { addBinding(base: base, server: address) }
    advance(now)
  }

  /// Says that all local addresses and servers were added: gathering is complete when the servers have answered.
  public func endOfLocalAddresses(now: NIODeadline) {
    guard connectionState != .closed else { return }
    generation.localInputsEnded = true
    if gatheringState == .new { change(to: .gathering) }
    advance(now)
  }

  // MARK: Restart

  /// Begins a new generation (RFC 8445 section 9): new credentials, candidates told and servers asked again. Media keeps
  /// its path until the new generation has a nominated pair. Sockets and relays stay as they are.
  /// - Parameter credentials: ours from now on; nil makes some.
  public func restart(credentials: ICECredentials? = nil, now: NIODeadline) {
    guard connectionState != .closed else { return }
    // What a generation that the peer knows nothing of would replace is still what to go back to.
    if generation.remote != nil { replacedGeneration = generation }
    let inputsEnded = generation.localInputsEnded
    for pair in generation.pairs where pair.route != path?.route { closeConnection(of: pair) }
    generation = Generation(local: credentials ?? makeCredentials())
    generation.localInputsEnded = inputsEnded
    bindings = []
    if connectionState == .failed { change(to: ConnectionState.new) }
    change(to: .gathering)
    for base in bases { announce(base, now: now) }
    advance(now)
  }

  /// Goes back to the generation before ``restart(credentials:now:)``, as long as the peer has not taken part in the new one:
  /// the description that told of it was rolled back (RFC 9429 section 4.1.10.2).
  public func undoRestart(now: NIODeadline) {
    guard connectionState != .closed, generation.remote == nil, let replaced = replacedGeneration else { return }
    replacedGeneration = nil
    // The peer may have gone on telling its candidates of before, and names may have been resolved in vain.
    let late = (generation.remoteCandidates + generation.namedCandidates).filter {
      $0.usernameFragment != nil && $0.usernameFragment == replaced.remote?.usernameFragment
    }
    let unresolved = replaced.namedCandidates
    generation = replaced
    generation.namedCandidates = []
    generation.triggered.removeAll()
    for index in generation.pairs.indices where generation.pairs[index].base.transport == .tcp {
      // Connections that did not carry media were closed.
      if generation.pairs[index].route != path?.route { forgetConnection(ofPairAt: index) }
    }
    for base in bases where !generation.localCandidates.contains(where: { $0.base == base }) {
      announce(base, now: now)
    }
    for candidate in unresolved + late { addRemoteCandidate(candidate, now: now) }
    advance(now)
  }

  /// Credentials for ``restart(credentials:now:)``.
  public func makeCredentials() -> ICECredentials {
    ICECredentials(using: &random)
  }
}
