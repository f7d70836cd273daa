internal import DequeModule
public import NIOCore

/// Everything between an application's datagrams and the sockets: the ICE agent, allocations on TURN servers over UDP, TCP
/// and TLS (RFC 8656), and the framing of TCP (RFC 4571, RFC 6544).
///
/// It is sans-IO, like the agent in it: addresses, bytes and the time go in; actions, events and the next deadline come out.
/// After every call drain ``pollOutput()`` and arm a timer for ``nextDeadline``. Time must not run backwards from call to
/// call.
public final class ICETransport {
  /// Bounds on what users, peers and servers can make grow.
  enum Limit {
    static let relays = 8
    static let peerStreams = 64
    /// Addresses that have proved to be the peer's; the one that was silent for longest gives way.
    static let verifiedRemotes = ICEAgent.Limit.remoteCandidates
    /// When the end of candidates is told at the latest.
    static let gathering = TimeAmount.seconds(10)
  }

  // Shared by the files of this folder; nobody else writes them.
  let agent: ICEAgent
  var outputs: Deque<Output> = []
  var relays: [Relay] = []
  var streams: [StreamID: PeerStream] = [:]
  var frames = FrameBuffers()
  /// Where the last of the application's datagrams went.
  var lastSend: (route: Route, carrier: Carrier)?
  private let random: SharedRandom
  private let streamNumbers = StreamNumbers()
  /// Of our UDP sockets, in the order of preference.
  private var localAddresses: [TransportAddress] = []
  private var serverAddresses: Set<TransportAddress> = []
  /// The last that was heard of is the last.
  private var verifiedRemotes: [TransportAddress] = []
  /// When gathering ends even if servers are silent; nil while addresses may be added, and once it has ended.
  private var gatheringEndsAt: NIODeadline?

  /// - Parameters:
  ///   - role: controlling for who makes the first offer; a conflict is settled between the agents.
  ///   - random: for credentials, transaction IDs and the tie-breaker: has to be unpredictable outside of tests.
  public init(
    configuration: ICEAgent.Configuration = .init(), role: ICEAgent.Role,
    random: some RandomNumberGenerator = SystemRandomNumberGenerator()
  ) {
    self.random = SharedRandom(random)
    agent = ICEAgent(configuration: configuration, role: role, random: self.random)
  }

  // MARK: - Sockets and servers

  /// Adds the address of a UDP socket. Order is preference.
  /// - Parameter name: the `.local` name to tell the peer in its stead; nil tells the address.
  public func addLocalAddress(_ address: TransportAddress, name: String? = nil, now: NIODeadline) {
    guard !localAddresses.contains(address), connectionState != .closed else { return }
    localAddresses.append(address)
    agent.addLocalAddress(address, name: name, now: now)
    for relay in relays { relay.use(localAddresses, now: now) }
    collect(now)
  }

  /// Adds an address for ICE-TCP (RFC 6544); see ``ICEAgent/addTCPAddress(_:isPassive:now:)``.
  public func addTCPAddress(_ address: TransportAddress, isPassive: Bool, now: NIODeadline) {
    agent.addTCPAddress(address, isPassive: isPassive, now: now)
    collect(now)
  }

  /// Takes an address away whose socket is closed or whose interface is gone, with all that depends on it.
  public func removeLocalAddress(_ address: TransportAddress, now: NIODeadline) {
    localAddresses.removeAll { $0 == address }
    for relay in relays { relay.use(localAddresses, now: now) }
    collect(now)
    agent.removeLocalAddress(address, now: now)
    collect(now)
  }

  /// Adds a STUN or TURN server to use, now and after restarts. A TURN server over UDP is used as a STUN server, too.
  /// - Parameter addresses: of its host name, with the server's port, in order of preference. Of a TURN server the one is
  ///   used that answers first, of a STUN server the first of each family.
  public func addServer(_ server: ICEServer, addresses: [TransportAddress], now: NIODeadline) {
    guard connectionState != .closed else { return }
    defer { collect(now) }
    let addresses = addresses.filter(\.isUsable)
    switch (server.kind, server.transport) {
    case (.stun, .tcp), (.stun, .tls):
      return report(server, "over \(server.transport.rawValue.uppercased()) it can't tell UDP addresses; use stun:")
    case (.stun, .udp): askForReflexive(addresses, now: now)
    case (.turn, let transport):
      guard relays.count < Limit.relays else { return report(server, "more than \(Limit.relays) are not used") }
      let relay = Relay(server, addresses: addresses, random: random) { [streamNumbers] in streamNumbers.next() }
      relays.append(relay)
      relay.use(localAddresses, now: now)
      if transport == .udp { askForReflexive(addresses, now: now) }
    }
  }

  /// Takes other credentials for TURN servers that were added by the same URI. A relay that was refused is asked for again;
  /// one that there is stays as it is, until it has to be made anew.
  public func renewCredentials(of server: ICEServer, now: NIODeadline) {
    for relay in relays where relay.server.description == server.description {
      relay.renewCredentials(of: server, now: now)
    }
    collect(now)
  }

  private func askForReflexive(_ addresses: [TransportAddress], now: NIODeadline) {
    for family in [TransportAddress.Family.v6, .v4] {
      guard let address = addresses.first(where: { $0.family == family }) else { continue }
      serverAddresses.insert(address)
      agent.addSTUNServer(address, now: now)
    }
  }

  /// Says that all local addresses and servers were added: gathering is complete when the servers have answered or were
  /// given up, after some 10 s.
  public func endOfLocalAddresses(now: NIODeadline) {
    gatheringEndsAt = now + Limit.gathering
    collect(now)
  }

  // MARK: - Descriptions and candidates, as the agent's

  /// See ``ICEAgent/configuration``.
  public var configuration: ICEAgent.Configuration { agent.configuration }
  /// See ``ICEAgent/localCredentials``.
  public var localCredentials: ICECredentials { agent.localCredentials }
  /// See ``ICEAgent/remoteCredentials``.
  public var remoteCredentials: ICECredentials? { agent.remoteCredentials }
  /// See ``ICEAgent/localCandidates``.
  public var localCandidates: [Candidate] { agent.localCandidates }
  /// See ``ICEAgent/currentRole``.
  public var currentRole: ICEAgent.Role { agent.currentRole }
  /// See ``ICEAgent/connectionState``.
  public var connectionState: ICEAgent.ConnectionState { agent.connectionState }
  /// See ``ICEAgent/gatheringState``.
  public var gatheringState: ICEAgent.GatheringState { agent.gatheringState }
  /// See ``ICEAgent/selectedPair``.
  public var selectedPair: ICEAgent.SelectedPair? { agent.selectedPair }
  /// See ``ICEAgent/statistics``.
  public var statistics: ICEAgent.Statistics { agent.statistics }
  /// What went wrong with all relays together.
  public var relayStatistics: RelayStatistics { relays.reduce(into: RelayStatistics()) { $0 += $1.statistics } }

  /// Sets the role before checks begin; see ``ICEAgent/setRole(_:now:)``.
  public func setRole(_ role: ICEAgent.Role, now: NIODeadline) {
    agent.setRole(role, now: now)
    collect(now)
  }

  /// Begins a new generation; see ``ICEAgent/restart(credentials:now:)``. Allocations stay if their servers still know them;
  /// servers that refused are asked again.
  public func restart(credentials: ICECredentials? = nil, now: NIODeadline) {
    for relay in relays { relay.check(now: now) }
    agent.restart(credentials: credentials, now: now)
    collect(now)
  }

  /// Credentials for ``restart(credentials:now:)``, for an offer that is not yet applied.
  public func makeCredentials() -> ICECredentials { agent.makeCredentials() }

  /// Goes back to the generation before the restart; see ``ICEAgent/undoRestart(now:)``.
  public func undoRestart(now: NIODeadline) {
    agent.undoRestart(now: now)
    collect(now)
  }

  /// Takes the peer's credentials; see ``ICEAgent/setRemoteCredentials(_:now:)``.
  public func setRemoteCredentials(_ credentials: ICECredentials, now: NIODeadline) {
    agent.setRemoteCredentials(credentials, now: now)
    collect(now)
  }

  /// Takes a candidate of the peer; see ``ICEAgent/addRemoteCandidate(_:usernameFragment:now:)``.
  @discardableResult
  public func addRemoteCandidate(
    _ candidate: Candidate, usernameFragment: String? = nil, now: NIODeadline
  ) -> ICEAgent.CandidateDisposition {
    defer { collect(now) }
    return agent.addRemoteCandidate(candidate, usernameFragment: usernameFragment, now: now)
  }

  /// Answers ``Action/resolve(_:)``: ports are ignored; no address means that the name is unknown.
  public func resolved(_ name: String, to addresses: [TransportAddress], now: NIODeadline) {
    agent.resolved(name, to: addresses, now: now)
    collect(now)
  }

  // MARK: - Time and outputs

  /// When ``handleTimeout(now:)`` wants to be called; nil: never, as things are.
  public var nextDeadline: NIODeadline? {
    var earliest = agent.nextDeadline
    for relay in relays { earliest.consider(relay.nextDeadline) }
    earliest.consider(gatheringEndsAt)
    return earliest
  }

  /// Does what is due. May be called early or late.
  public func handleTimeout(now: NIODeadline) {
    for relay in relays { relay.handleTimeout(now: now) }
    agent.handleTimeout(now: now)
    collect(now)
  }

  /// The next thing to do, in order; nil when all is done for now.
  public func pollOutput() -> Output? { outputs.popFirst() }

  /// Gives the allocations back and ends everything. What is still to be sent comes out of ``pollOutput()``.
  public func close(now: NIODeadline) {
    gatheringEndsAt = nil
    agent.close()
    for relay in relays { relay.close(now: now) }
    collect(now)
    relays = []
    streams = [:]
    lastSend = nil
  }

  // MARK: - Inside

  /// Carries what agent and relays give out to where it belongs, until there is nothing left.
  func collect(_ now: NIODeadline) {
    var isDone = false
    while !isDone {
      isDone = true
      for relay in relays {
        while let output = relay.pollOutput() {
          isDone = false
          perform(output, of: relay, now: now)
        }
      }
      while let output = agent.pollOutput() {
        isDone = false
        perform(output, now: now)
      }
      if isDone, let end = gatheringEndsAt, now >= end || relays.allSatisfy(\.isSettled) {
        isDone = false
        gatheringEndsAt = nil
        agent.endOfLocalAddresses(now: now)
      }
    }
  }

  private func perform(_ output: Relay.Output, of relay: Relay, now: NIODeadline) {
    switch output {
    case .perform(let action): outputs.append(.perform(action))
    case .allocated(let addresses, let mapped, let server):
      for address in addresses {
        agent.addRelayedAddress(address, mapped: mapped, server: server, over: relay.server.transport, now: now)
      }
    case .lost(let addresses):
      lastSend = nil
      for address in addresses { agent.removeLocalAddress(address, now: now) }
    case .problem(let text): report(relay.server, text)
    }
  }

  private func perform(_ output: ICEAgent.Output, now: NIODeadline) {
    switch output {
    case .transmit(let message, let route): transmit(message, on: route, now: now)
    case .connect(let route):
      let id = streamNumbers.next()
      streams[id] = PeerStream(route: route)
      outputs.append(.perform(.openStream(id, from: route.local, to: route.remote, tls: nil)))
    case .disconnect(let route): closeStream(on: route)
    case .resolve(let name): outputs.append(.perform(.resolve(name)))
    case .event(let event):
      // The relays may be to blame.
      if event == .connectionStateChange(.disconnected) { for relay in relays { relay.check(now: now) } }
      outputs.append(.event(event))
    }
  }

  private func report(_ server: ICEServer, _ problem: String) {
    outputs.append(.serverProblem(server, problem))
  }

  /// A name for a stream that the peer has opened.
  func makeStreamID() -> StreamID { streamNumbers.next() }

  // MARK: - Whom to believe

  /// Notes that an authentic check or response came from there. Anybody else could break a handshake that is under way,
  /// since its first messages are not authenticated.
  func verified(_ remote: TransportAddress) {
    guard verifiedRemotes.last != remote, !serverAddresses.contains(remote) else { return }
    verifiedRemotes.removeAll { $0 == remote }
    if verifiedRemotes.count == Limit.verifiedRemotes { verifiedRemotes.removeFirst() }
    verifiedRemotes.append(remote)
  }

  func isVerified(_ remote: TransportAddress) -> Bool {
    agent.mediaRoute?.remote == remote || verifiedRemotes.contains(remote)
  }
}

/// One random source for the agent and all allocations.
private final class SharedRandom: RandomNumberGenerator {
  private var source: any RandomNumberGenerator

  init(_ source: any RandomNumberGenerator) {
    self.source = source
  }

  func next() -> UInt64 { source.next() }
}

/// Numbers the streams.
private final class StreamNumbers {
  private var last: UInt64 = 0

  func next() -> StreamID {
    last += 1
    return StreamID(number: last)
  }
}
