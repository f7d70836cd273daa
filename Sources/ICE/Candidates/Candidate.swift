/// How a candidate was found (RFC 8445 section 4).
public enum CandidateType: String, Sendable, Hashable {
  /// An address of the machine itself.
  case host
  /// The address a STUN server saw.
  case serverReflexive = "srflx"
  /// An address seen by the other agent in a connectivity check.
  case peerReflexive = "prflx"
  /// An address on a TURN server.
  case relay
}

/// A transport address an agent may be reached at, as candidate-attributes carry it (RFC 8839 section 5.1).
public struct Candidate: Hashable, Sendable {
  /// UDP, or what role an agent has in setting up the connection (RFC 6544 section 4.5).
  public enum Transport: Hashable, Sendable {
    case udp
    /// `active`, `passive` or `so`; empty if the candidate did not say.
    case tcp(type: String)
  }

  /// Where it points to: numeric, or a name only the peer's own network can resolve (mDNS).
  public enum Address: Hashable, Sendable {
    case ip(TransportAddress)
    case name(String, port: UInt16)
  }

  /// 1...32 characters; candidates of one foundation are likely to work or fail together.
  public var foundation: String
  /// 1...256; 1 is the only one Glyphone uses (rtcp-mux).
  public var component: Int
  /// What carries packets there.
  public var transport: Transport
  /// 0...2³²-1, the greater the better.
  public var priority: UInt32
  /// Where it is.
  public var address: Address
  /// How it was found.
  public var type: CandidateType
  /// The base of a reflexive or relayed candidate, if told; for diagnosis only.
  public var relatedAddress: TransportAddress?
  /// The ICE generation it belongs to, if told (the `ufrag` extension of RFC 8840 practice).
  public var usernameFragment: String?

  /// A candidate of these parts.
  public init(
    foundation: String, component: Int = 1, transport: Transport = .udp, priority: UInt32, address: Address,
    type: CandidateType, relatedAddress: TransportAddress? = nil, usernameFragment: String? = nil
  ) {
    self.foundation = foundation
    self.component = component
    self.transport = transport
    self.priority = priority
    self.address = address
    self.type = type
    self.relatedAddress = relatedAddress
    self.usernameFragment = usernameFragment
  }

  /// What carries packets to it.
  public var transportProtocol: TransportProtocol { transport == .udp ? .udp : .tcp }

  /// Whether packets that come from `address` are this candidate's.
  func isAt(_ address: TransportAddress, over transport: TransportProtocol) -> Bool {
    transportAddress == address && transportProtocol == transport
  }

  /// The numeric address, if it is one.
  public var transportAddress: TransportAddress? {
    guard case .ip(let address) = address else { return nil }
    return address
  }
}

/// Priorities of RFC 8445 section 5.1.2 and 6.1.2.3.
enum Priority {
  /// - Parameters:
  ///   - preference: type preference 0...126.
  ///   - local: local preference 0...65535: the order of the addresses of one host.
  static func candidate(preference: UInt32, local: UInt16) -> UInt32 {
    // 256 - component ID, which is 1.
    preference << 24 | UInt32(local) << 8 | 255
  }

  /// The priority of a pair, which both agents work out alike.
  static func pair(controlling: UInt32, controlled: UInt32) -> UInt64 {
    let (less, more) = (UInt64(min(controlling, controlled)), UInt64(max(controlling, controlled)))
    return less << 32 &+ more &* 2 &+ (controlling > controlled ? 1 : 0)
  }
}
