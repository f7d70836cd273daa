/// Where checks and media are sent from (RFC 8445 section 4): each base has candidates of its own.
struct Base: Hashable {
  enum Kind: Hashable {
    /// A UDP socket.
    case datagram
    /// A socket that listens for TCP connections: a passive candidate (RFC 6544 section 4.1).
    case listener
    /// Connects from this IP address and any port: an active candidate, whose port is told as 9.
    case connector
    /// An address on a TURN server that is reached over that transport.
    case relay(over: ICEServer.Transport)
  }

  let address: TransportAddress
  let kind: Kind
  /// Its place among the bases there are: those of less number are preferred.
  let number: Int
  /// The mDNS name that is told in place of the IP address.
  var name: String?
  /// For a relay: its server, and the address that the server sees us at.
  var server: TransportAddress?
  var mapped: TransportAddress?

  /// The port of active candidates, which nobody can send to (RFC 6544 section 4.5).
  static let discardPort: UInt16 = 9

  var transport: TransportProtocol {
    switch kind {
    case .datagram, .relay: .udp
    case .listener, .connector: .tcp
    }
  }

  var isRelay: Bool {
    if case .relay = kind { true } else { false }
  }

  /// What its own candidate says of the transport.
  var candidateTransport: Candidate.Transport {
    switch kind {
    case .datagram, .relay: .udp
    case .listener: .tcp(type: "passive")
    case .connector: .tcp(type: "active")
    }
  }

  /// Whether packets of this route leave from here.
  func carries(_ route: Route) -> Bool {
    guard route.transport == transport else { return false }
    return kind == .connector ? route.local.hasSameIP(as: address) : route.local == address
  }

  /// The way to a candidate of the peer that we may take the first step on; nil if there is none: connections to a passive
  /// candidate are begun by us, those from an active one by the peer (RFC 6544 section 6.2).
  func route(to remote: Candidate) -> Route? {
    guard let destination = remote.transportAddress, canReach(destination) else { return nil }
    switch (kind, remote.transport) {
    case (.datagram, .udp), (.relay, .udp): return Route(local: address, remote: destination)
    case (.connector, .tcp(type: "passive")):
      return Route(local: address.with(port: 0), remote: destination, transport: .tcp)
    default: return nil
    }
  }

  /// RFC 8445 section 6.1.2.2; a relay is not of this machine and judges for itself.
  private func canReach(_ destination: TransportAddress) -> Bool {
    address.family == destination.family
      && (isRelay || address.isLoopback == destination.isLoopback && address.isLinkLocal == destination.isLinkLocal)
  }

  // MARK: Priority

  /// The priority of a candidate of this base (RFC 8445 section 5.1.2.1).
  /// - Parameter serverIndex: for reflexive ones, 1 for the first server and so on.
  func priority(_ type: CandidateType, serverIndex: Int = 0) -> UInt32 {
    Priority.candidate(preference: typePreference(type), local: localPreference(serverIndex: serverIndex))
  }

  /// RFC 8445 section 5.1.2.2 and RFC 6544 section 4.2: a direct way is better than a relay even if it is TCP, which makes
  /// media wait for lost packets. A relay is the worse the more its transport does so.
  private func typePreference(_ type: CandidateType) -> UInt32 {
    switch (type, transport) {
    case (.host, .udp): return 126
    case (.peerReflexive, .udp): return 110
    case (.serverReflexive, .udp): return 100
    case (.host, .tcp): return 90
    case (.peerReflexive, .tcp): return 80
    case (.serverReflexive, .tcp): return 70
    case (.relay, _):
      guard case .relay(over: let serverTransport) = kind else { return 0 }
      return switch serverTransport {
      case .udp: 2
      case .tcp: 1
      case .tls: 0
      }
    }
  }

  private func localPreference(serverIndex: Int) -> UInt16 {
    let order = number * (ICEAgent.Limit.servers + 1) + serverIndex
    switch kind {
    case .datagram: return UInt16(clamping: 65535 - order)
    // Direction preference, 3 bits, then other preference (RFC 6544 section 4.2).
    case .connector: return UInt16(clamping: 6 << 13 | (8191 - order))
    case .listener: return UInt16(clamping: 4 << 13 | (8191 - order))
    // First the family that we reach the server by ourselves: our own sockets may reach the peer's relay of that, so that
    // one relay will do instead of two. Then IPv6 (RFC 8421).
    case .relay:
      let isOurFamily = mapped.map { $0.family == address.family } ?? true
      return UInt16(clamping: (isOurFamily ? 1 << 15 : 0) | (address.family == .v6 ? 1 << 14 : 0) | (0x3FFF - order))
    }
  }
}

/// A candidate of ours.
struct LocalCandidate {
  /// As it is told: perhaps by a name.
  let candidate: Candidate
  /// The address it really has.
  let address: TransportAddress
  let base: Base
}

/// Candidates that are likely to work or fail together have the same of all these (RFC 8445 section 5.1.1.3).
struct FoundationKey: Hashable {
  let type: CandidateType
  /// Port 0: ports are of no matter.
  let baseIP: TransportAddress
  let server: TransportAddress?
  let transport: TransportProtocol
}
