internal import DequeModule
public import NIOCore

/// A full ICE agent (RFC 8445) with trickle (RFC 8838) and consent freshness (RFC 7675) for one stream of one component,
/// which is all that BUNDLE and rtcp-mux leave.
///
/// It is sans-IO: addresses, datagrams and the time go in; datagrams, events and the next deadline come out. After every
/// call drain ``pollOutput()`` and arm a timer for ``nextDeadline``. Time must not run backwards from call to call.
public final class ICEAgent {
  public let configuration: Configuration
  public private(set) var connectionState = ConnectionState.new
  public private(set) var gatheringState = GatheringState.new
  /// When ``handleTimeout(now:)`` wants to be called; nil: never, as things are.
  public private(set) var nextDeadline: NIODeadline?

  // Shared by the files of this folder; nobody else writes them.
  var role: Role
  var tieBreaker: UInt64
  var random: any RandomNumberGenerator
  var counters = Statistics()
  var outputs: Deque<Output> = []
  /// Addresses of our sockets in the order of preference.
  var bases: [TransportAddress] = []
  var servers: [TransportAddress] = []
  var bindings: [ServerBinding] = []
  var generation: Generation
  var path: Path?
  /// When the next transaction may begin (Ta).
  var nextTransactionAt = NIODeadline.uptimeNanoseconds(0)

  /// - Parameters:
  ///   - role: controlling for who makes the first offer; a conflict is settled between the agents.
  ///   - random: for credentials, transaction IDs and the tie-breaker: has to be unpredictable outside of tests.
  public init(
    configuration: Configuration = Configuration(), role: Role,
    random: some RandomNumberGenerator = SystemRandomNumberGenerator()
  ) {
    var random = random
    self.configuration = configuration
    self.role = role
    tieBreaker = random.next()
    generation = Generation(local: ICECredentials(using: &random))
    self.random = random
  }

  // MARK: What goes into descriptions

  /// Our credentials of the present generation.
  public var localCredentials: ICECredentials { generation.local }

  /// The peer's credentials of the present generation, once they were set.
  public var remoteCredentials: ICECredentials? { generation.remote }

  /// Our candidates of the present generation that were told so far (peer-reflexive ones are not among them).
  public var localCandidates: [Candidate] { generation.localCandidates.filter { $0.type != .peerReflexive } }

  /// Our role now; a role conflict may have changed it.
  public var currentRole: Role { role }

  /// Sets the role before checks begin; afterwards only a conflict changes it.
  public func setRole(_ role: Role, now: NIODeadline) {
    guard generation.remote == nil, path == nil else { return }
    switchRole(to: role)
    advance(now)
  }

  // MARK: The local side

  /// Adds a socket's address: a host candidate, from which servers are asked for reflexive ones. Order is preference.
  /// Beyond 16 addresses none is taken.
  public func addLocalAddress(_ address: TransportAddress, now: NIODeadline) {
    guard connectionState != .closed, bases.count < Limit.bases, address.isUsable, !bases.contains(address) else {
      return
    }
    bases.append(address)
    announceHost(address, now: now)
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
    advance(now)
  }

  /// Begins a new generation (RFC 8445 section 9): new credentials, candidates told and servers asked again. Media keeps
  /// its path until the new generation has a nominated pair. The sockets and so the host addresses stay as they are.
  public func restart(now: NIODeadline) {
    guard connectionState != .closed else { return }
    let inputsEnded = generation.localInputsEnded
    generation = Generation(local: ICECredentials(using: &random))
    generation.localInputsEnded = inputsEnded
    bindings = []
    if connectionState == .failed { change(to: ConnectionState.new) }
    for base in bases { announceHost(base, now: now) }
    advance(now)
  }

  // MARK: The remote side

  /// Takes the credentials of the peer's description; checks begin. Credentials other than those of the present generation
  /// mean that the peer has restarted: then we do, too, and ``localCredentials`` are new afterwards (RFC 8839 section
  /// 4.4.1.1.1).
  public func setRemoteCredentials(_ credentials: ICECredentials, now: NIODeadline) {
    guard connectionState != .closed, generation.remote != credentials else { return }
    if generation.remote != nil { restart(now: now) }
    generation.remote = credentials
    generation.newsAt = now
    generation.remoteCandidates.removeAll {
      $0.usernameFragment.map { $0 != credentials.usernameFragment } ?? false
    }
    for remote in generation.remoteCandidates { formPairs(with: remote, now: now) }
    resumeEarlyChecks(now: now)
    advance(now)
  }

  /// Takes a candidate of the peer, before or after its credentials.
  /// - Parameter usernameFragment: the generation it belongs to, if signaling says so (`RTCIceCandidate.usernameFragment`).
  /// - Returns: what became of it; a candidate that is of no use to us is no error.
  @discardableResult
  public func addRemoteCandidate(
    _ candidate: Candidate, usernameFragment: String? = nil, now: NIODeadline
  ) -> CandidateDisposition {
    var candidate = candidate
    candidate.usernameFragment = usernameFragment ?? candidate.usernameFragment
    if let reason = reasonToIgnore(candidate) { return .ignored(reason) }
    let address = candidate.transportAddress
    if let known = generation.remoteCandidates.firstIndex(where: { $0.transportAddress == address }) {
      revealPeerReflexive(at: known, as: candidate)
      return .known
    }
    guard generation.remoteCandidates.count < Limit.remoteCandidates else { return .ignored(.tooMany) }
    generation.remoteCandidates.append(candidate)
    if generation.remote != nil {
      generation.newsAt = now
      formPairs(with: candidate, now: now)
    }
    advance(now)
    return .added
  }

  private func reasonToIgnore(_ candidate: Candidate) -> CandidateDisposition.Reason? {
    if connectionState == .closed { return .closed }
    if candidate.transport != .udp { return .tcp }
    if candidate.component != 1 { return .otherComponent }
    if let fragment = candidate.usernameFragment, let remote = generation.remote, fragment != remote.usernameFragment {
      return .otherGeneration
    }
    guard let address = candidate.transportAddress else { return .name }
    return address.isUsable ? nil : .unusableAddress
  }

  // MARK: Datagrams and time

  /// Takes a STUN datagram that arrived at the socket bound to `local`.
  /// - Returns: whether it was a check or a response of ours to take; others are counted and change nothing.
  @discardableResult
  public func receive(
    _ datagram: ByteBuffer, from remote: TransportAddress, to local: TransportAddress, now: NIODeadline
  ) -> Bool {
    guard connectionState != .closed else { return false }
    defer { advance(now) }
    guard let message = try? STUNMessage(parsing: datagram), message.method == .binding, bases.contains(local) else {
      counters.discarded += 1
      return false
    }
    let addresses = PairAddresses(local: local, remote: remote)
    let isTaken =
      switch message.messageClass {
      case .request: handleRequest(message, on: addresses, now: now)
      case .successResponse, .errorResponse: handleResponse(message, on: addresses, now: now)
      case .indication: true  // A keepalive (RFC 8445 section 11) asks for nothing.
      }
    if !isTaken { counters.discarded += 1 }
    return isTaken
  }

  /// Does what is due. May be called early or late.
  public func handleTimeout(now: NIODeadline) {
    advance(now)
  }

  /// The next thing to do, in order; nil when all is done for now.
  public func pollOutput() -> Output? {
    outputs.popFirst()
  }

  /// Where media goes: from which socket to which address. Cheap enough to ask for each packet; nil: send nothing.
  public var mediaPath: (local: TransportAddress, remote: TransportAddress)? {
    path.map { ($0.addresses.local, $0.addresses.remote) }
  }

  /// The pair media takes.
  public var selectedPair: SelectedPair? { path?.description }

  public var statistics: Statistics {
    var statistics = counters
    statistics.roundTripTime = path?.roundTripTime
    statistics.lastResponse = path?.lastResponse
    return statistics
  }

  /// Ends everything; nothing is answered any more.
  public func close() {
    guard connectionState != .closed else { return }
    path = nil
    bindings = []
    generation.pairs = []
    generation.triggered = []
    nextDeadline = nil
    change(to: .closed)
  }

  // MARK: Inside

  func advance(_ now: NIODeadline) {
    guard connectionState != .closed else { return }
    serviceConsent(now)
    serviceChecks(now)
    serviceBindings(now)
    nominate(now)
    endImprovement(now)
    beginTransactions(now)
    updateConnectionState(now)
    updateGatheringState()
    nextDeadline = earliestDeadline(after: now)
  }

  func emit(_ event: Event) {
    outputs.append(.event(event))
  }

  func change(to state: ConnectionState) {
    guard state != connectionState else { return }
    connectionState = state
    emit(.connectionStateChange(state))
  }

  func change(to state: GatheringState) {
    guard state != gatheringState else { return }
    gatheringState = state
    emit(.gatheringStateChange(state))
  }

  private func earliestDeadline(after now: NIODeadline) -> NIODeadline? {
    var earliest: NIODeadline?
    func consider(_ deadline: NIODeadline?) {
      guard let deadline else { return }
      earliest = min(earliest ?? deadline, deadline)
    }
    if hasTransactionToBegin { consider(nextTransactionAt) }
    for pair in generation.pairs { consider(pair.check?.transaction.nextDeadline) }
    for binding in bindings { consider(binding.nextDeadline) }
    consider(consentDeadline)
    for deadline in [nominationDeadline, improvementDeadline, failureDeadline] {
      // What was held up by something else when its time came is looked at again when that ends.
      if let deadline, deadline > now { consider(deadline) }
    }
    return earliest
  }
}
