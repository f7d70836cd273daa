internal import DequeModule
public import NIOCore

/// A full ICE agent (RFC 8445) with trickle (RFC 8838) and consent freshness (RFC 7675) for one stream of one component,
/// which is all that BUNDLE and rtcp-mux leave.
///
/// It is sans-IO: addresses, datagrams and the time go in; datagrams, events and the next deadline come out. After every
/// call drain ``pollOutput()`` and arm a timer for ``nextDeadline``. Time must not run backwards from call to call.
public final class ICEAgent {
  /// What it was made with.
  public let configuration: Configuration
  /// How far the connection has come; ``Event/connectionStateChange(_:)`` tells of changes.
  public private(set) var connectionState = ConnectionState.new
  /// How far gathering has come; ``Event/gatheringStateChange(_:)`` tells of changes.
  public private(set) var gatheringState = GatheringState.new
  /// When ``handleTimeout(now:)`` wants to be called; nil: never, as things are.
  public private(set) var nextDeadline: NIODeadline?

  // Shared by the files of this folder; nobody else writes them.
  var role: Role
  var tieBreaker: UInt64
  var random: any RandomNumberGenerator
  var counters = Statistics()
  var outputs: Deque<Output> = []
  /// What we send from, in the order it was added.
  var bases: [Base] = []
  var servers: [TransportAddress] = []
  var bindings: [ServerBinding] = []
  var generation: Generation
  /// What the present generation replaced, until the peer has taken part in the new one; for ``undoRestart(now:)``.
  var replacedGeneration: Generation?
  var path: Path?
  /// Whether the path went with its base, or with its connection, and nothing took its place.
  var hasLostPath = false
  /// TCP connections of peers that have not sent a check yet, and when they are given up.
  var unknownConnections: [(route: Route, until: NIODeadline)] = []
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
  public var localCandidates: [Candidate] {
    generation.localCandidates.map(\.candidate).filter { $0.type != .peerReflexive }
  }

  /// Our role now; a role conflict may have changed it.
  public var currentRole: Role { role }

  /// Sets the role before checks begin; afterwards only a conflict changes it.
  public func setRole(_ role: Role, now: NIODeadline) {
    guard generation.remote == nil, path == nil else { return }
    switchRole(to: role)
    advance(now)
  }

  // MARK: Datagrams and time

  /// Takes a STUN message that came in on `route`: from `remote` to `local`, the address of our socket, a relayed address
  /// or our end of a connection.
  /// - Returns: whether it was a check or a response of ours to take; others are counted and change nothing.
  @discardableResult
  public func receive(_ datagram: ByteBuffer, on route: Route, now: NIODeadline) -> Bool {
    guard connectionState != .closed else { return false }
    defer { advance(now) }
    guard let message = try? STUNMessage(parsing: datagram), message.method == .binding, let base = base(of: route)
    else {
      counters.discarded += 1
      return false
    }
    let isTaken =
      switch message.messageClass {
      case .request: handleRequest(message, on: route, of: base, now: now)
      case .successResponse, .errorResponse: handleResponse(message, on: route, now: now)
      case .indication: true  // A keepalive (RFC 8445 section 11) asks for nothing.
      }
    if !isTaken { counters.discarded += 1 }
    return isTaken
  }

  /// What packets of a route leave from; an address is looked for before an IP address, which active candidates stand for.
  func base(of route: Route) -> Base? {
    bases.first { $0.kind != .connector && $0.carries(route) } ?? bases.first { $0.carries(route) }
  }

  /// Does what is due. May be called early or late.
  public func handleTimeout(now: NIODeadline) {
    advance(now)
  }

  /// The next thing to do, in order; nil when all is done for now.
  public func pollOutput() -> Output? {
    outputs.popFirst()
  }

  /// The way media takes. Cheap enough to ask for each packet; nil: send nothing.
  public var mediaRoute: Route? { path?.route }

  /// The pair media takes.
  public var selectedPair: SelectedPair? { path?.description }

  /// The counters, and what is known of the path now.
  public var statistics: Statistics {
    var statistics = counters
    statistics.roundTripTime = path?.roundTripTime
    statistics.lastResponse = path?.lastResponse
    return statistics
  }

  /// Ends everything; nothing is answered any more.
  public func close() {
    guard connectionState != .closed else { return }
    closeConnections()
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
    serviceConnections(now)
    serviceChecks(now)
    checkReserve(now)
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
    if hasTransactionToBegin { earliest.consider(nextTransactionAt) }
    for pair in generation.pairs { earliest.consider(pair.nextDeadline) }
    for index in reserve { earliest.consider(reserveCheckDeadline(ofPairAt: index)) }
    for binding in bindings { earliest.consider(binding.nextDeadline) }
    for connection in unknownConnections { earliest.consider(connection.until) }
    earliest.consider(consentDeadline)
    for deadline in [nominationDeadline, improvementDeadline, failureDeadline] {
      // What was held up by something else when its time came is looked at again when that ends.
      if let deadline, deadline > now { earliest.consider(deadline) }
    }
    return earliest
  }
}
