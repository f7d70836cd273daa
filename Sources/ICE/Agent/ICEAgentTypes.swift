public import NIOCore

extension ICEAgent {
  /// Who chooses the pair (RFC 8445 section 4). The one who made the first offer is controlling.
  public enum Role: Sendable, Hashable {
    case controlling, controlled

    var opposite: Role { self == .controlling ? .controlled : .controlling }
  }

  /// Which candidates are used (`RTCIceTransportPolicy`).
  public enum TransportPolicy: String, Sendable, Hashable {
    case all
    /// Relay candidates only: the peer learns no address of ours.
    case relay
  }

  /// Times and bounds. The defaults are the RFCs'; tests shorten nothing, since time is theirs.
  public struct Configuration: Sendable {
    /// Which candidates are gathered and used.
    public var transportPolicy = TransportPolicy.all
    /// Ta: the least time between two new transactions (RFC 8445 section 14.2).
    public var pacing = TimeAmount.milliseconds(50)
    /// Ta of the first ``initialBurst`` transactions of a generation, so that a call on a good network comes up at once;
    /// RFC 8445 section 14.2 allows 5 ms.
    public var initialPacing = TimeAmount.milliseconds(5)
    /// How many transactions of a generation begin at the pace of ``initialPacing``.
    public var initialBurst = 12
    /// How long the controlling agent waits for a better pair before it nominates the best it has.
    public var nominationPatience = TimeAmount.milliseconds(200)
    /// How long better pairs are still checked after one was nominated.
    public var improvementWindow = TimeAmount.seconds(2)
    /// The least time an agent hopes for candidates and peer-reflexive checks after the last news from the peer (RFC
    /// 8863 section 4).
    public var failurePatience = TimeAmount.milliseconds(39_500)
    /// Mean time between consent checks (RFC 7675 section 5.1); each is 0.8...1.2 times that.
    public var consentInterval = TimeAmount.seconds(5)
    /// Time between the ordinary checks of the selected pair, which go on all the time, and between those of one that gives no
    /// answer. RFC 7675 wants consent checks to be 4 s apart or more and says nothing of these; their responses renew consent
    /// just as well. So an outage that ends a second before consent expires ends well, whenever it began, and the
    /// round-trip time is always fresh. Browsers do the same.
    public var pathCheckInterval = TimeAmount.milliseconds(500)
    /// The same while the path gives no answer.
    public var silentPathCheckInterval = TimeAmount.milliseconds(250)
    /// How often working pairs in reserve are checked, so that media can move there at once.
    public var reserveCheckInterval = TimeAmount.seconds(10)
    /// Without a response for so long consent expires (RFC 7675 section 5.1).
    public var consentExpiry = TimeAmount.seconds(30)
    /// The path counts as disconnected when a check and those after it went unanswered for so long.
    public var disconnectedAfter = TimeAmount.seconds(5)
    /// How often server-reflexive addresses are asked for again until there is a pair, to keep the NAT's mapping alive
    /// while the callee's phone rings (RFC 8445 section 5.1.1.4).
    public var mappingRefresh = TimeAmount.seconds(15)

    /// The times of the RFCs.
    public init() {}
  }

  /// Bounds on what peers, servers and machines can make grow.
  enum Limit {
    static let bases = 48
    static let servers = 8
    static let localCandidates = 96
    static let remoteCandidates = 64
    static let pairs = 100
    static let pairsInReserve = 4
    /// Connections of peers that have not sent a check yet.
    static let unknownConnections = 16
    static let outstandingPathChecks = 16
  }

  /// How far gathering has come (`RTCIceGatheringState`).
  public enum GatheringState: String, Sendable, Hashable {
    case new, gathering, complete
  }

  /// How far the connection has come (`RTCIceConnectionState`).
  public enum ConnectionState: String, Sendable, Hashable {
    case new, checking
    /// There is a working pair; better ones are being looked for.
    case connected
    /// The pair is nominated and nothing better is being looked for.
    case completed
    /// The path gives no answer; it goes back by itself.
    case disconnected
    /// No pair was found, or consent has expired. Only a restart helps.
    case failed
    case closed
  }

  /// The pair that media takes.
  public struct SelectedPair: Sendable, Hashable {
    /// The local candidate as the peer sees it: peer-reflexive behind a NAT.
    public var local: Candidate
    /// The candidate of the peer.
    public var remote: Candidate
    /// From the base of ``local`` to ``remote``.
    public var route: Route
    /// Whether it is nominated, or just the best that works so far.
    public var isNominated: Bool

    /// What packets are sent from: a socket, a relayed address, or our end of a connection.
    public var localAddress: TransportAddress { route.local }
    /// Where packets are sent to.
    public var remoteAddress: TransportAddress { route.remote }
  }

  /// What the agent has to say.
  public enum Event: Sendable, Hashable {
    /// A candidate to tell the peer of.
    case localCandidate(Candidate)
    /// ``GatheringState/complete`` means that no more candidates of this generation follow.
    case gatheringStateChange(GatheringState)
    case connectionStateChange(ConnectionState)
    /// The pair to send on from now on; nil: there is none, stop sending.
    case selectedPairChange(SelectedPair?)
    case roleChange(Role)
  }

  /// What the driver has to do.
  public enum Output: Sendable {
    /// Send the datagram on that route: over TCP framed as RFC 4571 says, from a relayed address through its server.
    case transmit(ByteBuffer, Route)
    /// Make a TCP connection from the local IP address (port 0: any) to the remote one; say what came of it with
    /// ``ICEAgent/connected(_:as:now:)`` or ``ICEAgent/connectionClosed(_:now:)``.
    case connect(Route)
    /// The connection, or the attempt to make it, is not needed any more. Nothing has to be said about it.
    case disconnect(Route)
    /// Look up this mDNS name and say what was found with ``ICEAgent/resolved(_:to:now:)``.
    case resolve(name: String)
    case event(Event)
  }

  /// What became of a remote candidate.
  public enum CandidateDisposition: Sendable, Hashable {
    case added
    /// It has an mDNS name; it is added when that is resolved.
    case held
    /// Known already; a peer-reflexive one gets its true type.
    case known
    /// Of no use to us, for this reason; nothing was changed. Not an error (RFC 8838 section 8.1).
    case ignored(Reason)

    /// Why a candidate is of no use.
    public enum Reason: String, Sendable, Hashable {
      /// The peer connects to us from there, and we can't connect to it.
      case tcp = "TCP, and not passive"
      case otherComponent = "component other than 1"
      case name = "a name that is not .local"
      case otherGeneration = "another generation"
      case unusableAddress = "an address no peer can have"
      case tooMany = "too many candidates"
      case closed = "the agent is closed"
    }
  }

  /// Counters since the agent was made.
  public struct Statistics: Sendable, Hashable {
    /// Checks sent, with retransmissions and consent checks.
    public var requestsSent = 0
    /// Authentic checks received.
    public var requestsReceived = 0
    /// Success responses of the peer to our checks.
    public var responsesReceived = 0
    /// Datagrams that are no STUN, are not authentic, or answer nothing we asked.
    public var discarded = 0
    /// Checks and responses that showed both agents in one role (RFC 8445 section 7.3.1.1).
    public var roleConflicts = 0
    /// Smoothed round-trip time of the selected pair.
    public var roundTripTime: TimeAmount?
    /// When the peer last answered on the selected pair; consent expires counted from here.
    public var lastResponse: NIODeadline?
  }
}
