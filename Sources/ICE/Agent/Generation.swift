internal import DequeModule
internal import NIOCore

/// Everything that begins anew with an ICE restart (RFC 8445 section 9).
struct Generation {
  let local: ICECredentials
  var remote: ICECredentials?
  /// Candidates of ours in this generation, peer-reflexive ones included.
  var localCandidates: [LocalCandidate] = []
  /// The foundations that were given out.
  var foundations: [FoundationKey: Int] = [:]
  /// Numeric candidates of the peer; held without pairs until `remote` is known.
  var remoteCandidates: [Candidate] = []
  /// Candidates of the peer that have a name which is being resolved.
  var namedCandidates: [Candidate] = []
  var pairs: [CandidatePair] = []
  /// The triggered-check queue (RFC 8445 section 6.1.4.1): pairs by their route.
  var triggered: Deque<Route> = []
  /// Checks of a peer whose credentials are not known yet.
  var earlyChecks: [(route: Route, nominates: Bool)] = []
  /// Transactions begun, for the faster pacing of the first.
  var transactions = 0
  /// When the peer last gave us something new to check.
  var newsAt: NIODeadline?
  /// When the first pair became valid.
  var firstValidAt: NIODeadline?
  /// When pairs better than the nominated one are given up.
  var improvementEndsAt: NIODeadline?
  /// Whether all local addresses and servers are known.
  var localInputsEnded = false

  init(local: ICECredentials) {
    self.local = local
  }

  var hasPendingPairs: Bool { pairs.contains(where: \.isPending) }

  func index(of route: Route) -> Int? {
    pairs.firstIndex { $0.route == route }
  }

  func remoteCandidate(at address: TransportAddress, over transport: TransportProtocol) -> Candidate? {
    remoteCandidates.first { $0.isAt(address, over: transport) }
  }

  /// Forgets what leaves from this base.
  mutating func remove(_ base: Base) {
    localCandidates.removeAll { $0.base == base }
    pairs.removeAll { $0.base == base }
    earlyChecks.removeAll { base.carries($0.route) }
  }
}

/// The pair media takes, with what its consent checks need: it outlives its generation until the next one has a nominated
/// pair (RFC 8445 section 9: "the agent continues to send data using the previously selected pair").
struct Path {
  let base: Base
  let route: Route
  let localCredentials: ICECredentials
  let remoteCredentials: ICECredentials
  var priority: UInt64
  var description: ICEAgent.SelectedPair
  var roundTripTime: TimeAmount?

  // Consent, RFC 7675.
  var lastResponse: NIODeadline
  var nextConsentCheckAt: NIODeadline
  var nextPathCheckAt: NIODeadline
  /// Checks whose response would still renew consent, oldest first.
  var outstanding: Deque<(id: STUNTransactionID, sentAt: NIODeadline, role: ICEAgent.Role)> = []
  /// When the first check was sent that neither it nor a later one was answered.
  var unansweredSince: NIODeadline?
  var isDisconnected = false

  var isNominated: Bool { description.isNominated }

  mutating func measured(_ sample: TimeAmount) {
    roundTripTime = sample.smoothed(into: roundTripTime)
  }
}
