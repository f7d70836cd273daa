internal import DequeModule
internal import NIOCore

/// Everything that begins anew with an ICE restart (RFC 8445 section 9).
struct Generation {
  let local: ICECredentials
  var remote: ICECredentials?
  /// Candidates of ours in this generation, peer-reflexive ones included.
  var localCandidates: [Candidate] = []
  /// Numeric UDP candidates of the peer; held without pairs until `remote` is known.
  var remoteCandidates: [Candidate] = []
  var pairs: [CandidatePair] = []
  /// The triggered-check queue (RFC 8445 section 6.1.4.1): pairs by their two addresses.
  var triggered: Deque<PairAddresses> = []
  /// Checks of a peer whose credentials are not known yet.
  var earlyChecks: [(addresses: PairAddresses, nominates: Bool)] = []
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

  func index(of addresses: PairAddresses) -> Int? {
    pairs.firstIndex { $0.addresses == addresses }
  }
}

/// What tells pairs apart.
struct PairAddresses: Hashable {
  let local: TransportAddress
  let remote: TransportAddress
}

/// The pair media takes, with what its consent checks need: it outlives its generation until the next one has a nominated
/// pair (RFC 8445 section 9: "the agent continues to send data using the previously selected pair").
struct Path {
  let addresses: PairAddresses
  let localCredentials: ICECredentials
  let remoteCredentials: ICECredentials
  /// What PRIORITY says in checks of this pair.
  let checkPriority: UInt32
  var priority: UInt64
  var description: ICEAgent.SelectedPair
  var roundTripTime: TimeAmount?

  // Consent, RFC 7675.
  var lastResponse: NIODeadline
  var nextConsentCheckAt: NIODeadline
  /// Checks whose response would still renew consent, oldest first.
  var outstanding: Deque<(id: STUNTransactionID, sentAt: NIODeadline, role: ICEAgent.Role)> = []
  /// When the first check was sent that neither it nor a later one was answered.
  var unansweredSince: NIODeadline?
  /// When the unanswered check is followed up by an ordinary one, with retransmissions.
  var followUpAt: NIODeadline?
  var isDisconnected = false

  var isNominated: Bool { description.isNominated }

  mutating func measured(_ sample: TimeAmount) {
    roundTripTime = sample.smoothed(into: roundTripTime)
  }
}
