internal import NIOCore

/// What went wrong with relays, counted since the transport was made.
public struct RelayStatistics: Hashable, Sendable {
  /// Messages of servers that were no answer to anything, not authentic, malformed, or from peers without a permission.
  public var discarded = 0
  /// Datagrams of ours to peers that the server does not permit, or that were too large.
  public var dropped = 0
  /// Requests that had to be sent again with a new nonce (438).
  public var staleNonces = 0

  static func += (sum: inout RelayStatistics, more: RelayStatistics) {
    sum.discarded += more.discarded
    sum.dropped += more.dropped
    sum.staleNonces += more.staleNonces
  }
}

extension TURNAllocation {
  /// What the owner has to do.
  enum Output {
    /// Send this to the server, from the socket or on the stream the allocation belongs to. Requests and their like must
    /// not be dropped on a stream, since there they are not sent again.
    case transmit(ByteBuffer, mayDrop: Bool)
    case event(Event)
  }

  enum Event {
    /// The server relays at these addresses, at most one a family, until ``Event/ended(_:)``.
    /// - `mapped`: our address as the server sees it.
    case allocated(relayed: [TransportAddress], mapped: TransportAddress?)
    /// There is no allocation, or no longer.
    case ended(Ending)
  }

  /// Why an allocation failed or ended.
  enum Ending: Equatable {
    /// Another server is to be asked (300), perhaps by another name.
    case redirected(to: TransportAddress, name: String?)
    /// The server takes the socket or stream for somebody else's (437, 441): another may be taken.
    case mismatch(String)
    /// No answer.
    case unreachable
    /// The server can't for the moment (486, 508).
    case busy(String)
    /// The server does not want, or speaks another language.
    case refused(String)
  }

  /// Times of RFC 8656 and bounds.
  enum Limit {
    /// How long an answer to the first request is waited for.
    static let allocating = TimeAmount.milliseconds(9_500)
    /// The same for all others: 7 transmissions, or Ti on a stream (RFC 8489 sections 6.2.1 and 6.2.2).
    static let transaction = TimeAmount.milliseconds(39_500)
    static let retransmissionTimeout = TimeAmount.milliseconds(500)
    /// How long a server may take to say on a stream whether an allocation is still there.
    static let probing = TimeAmount.seconds(5)
    /// The first request and a probe are sent again at least that often, so that losses do not cost the relay.
    static let urgentInterval = TimeAmount.milliseconds(1_500)
    static let defaultLifetime: UInt32 = 600
    static let longestLifetime: UInt32 = 86_400
    /// How long before its end an allocation is refreshed.
    static let refreshLead = TimeAmount.seconds(60)
    /// When a refresh that the server would not answer well is tried again.
    static let refreshRetry = TimeAmount.seconds(10)
    /// How long nothing may be sent over UDP before a NAT may forget us (RFC 8445 section 11).
    static let silence = TimeAmount.seconds(15)
    /// Nonces that may prove stale in a row for one request.
    static let staleNonces = 3
    static let permissions = 64
    static let channels = 16
    /// Datagrams to one peer that wait for its permission.
    static let held = 4
    static let datagram = 16_384
  }

  /// The address families that a server is asked to relay at (RFC 8656 section 7.1).
  enum Families {
    /// An IPv4 address, and an IPv6 one if the server has any: one allocation, since a 5-tuple can have no second.
    case both
    /// IPv4, as of servers that know no other family.
    case plain
    /// For a server that has no IPv4 address to relay at.
    case onlyIPv6

    /// Those that name IPv6.
    var attributes: [STUNAttributeType] {
      switch self {
      case .both: [.additionalAddressFamily, .additionalAddressFamilyOfCoturn]
      case .plain: []
      case .onlyIPv6: [.requestedAddressFamily]
      }
    }

    /// What is left to ask for after a 440; nil: nothing.
    var next: Families? {
      switch self {
      case .both: .plain
      case .plain: .onlyIPv6
      case .onlyIPv6: nil
      }
    }
  }

  /// What a request is for.
  enum Purpose: Equatable {
    case allocate
    case refresh
    /// A Refresh before its time, to find out whether the allocation is still there.
    case probe
    /// Refresh with lifetime 0.
    case release
    /// For all ports of an IP address; the port is 0.
    case permission(TransportAddress)
    case channel(UInt16, TransportAddress)
  }

  struct Request {
    let purpose: Purpose
    var transaction: STUNTransaction
    let isAuthenticated: Bool
    /// Nonces of this purpose that proved stale.
    let staleNonces: Int
  }

  /// What the server grants for a time: a permission or a channel.
  struct Grant {
    /// How long it lasts, and when it is renewed: in time before that.
    let lifetime: TimeAmount
    let renewal: TimeAmount
    private(set) var usedAt: NIODeadline
    private(set) var installedAt: NIODeadline?
    private var renewAt: NIODeadline?
    private var refusedUntil: NIODeadline?

    /// Asked for now. RFC 8656 section 9: a permission lasts 5 minutes.
    static func permission(_ now: NIODeadline) -> Grant {
      Grant(lifetime: .minutes(5), renewal: .minutes(4), usedAt: now)
    }

    /// Asked for now. RFC 8656 section 12: a channel lasts 10 minutes.
    static func channel(_ now: NIODeadline) -> Grant {
      Grant(lifetime: .minutes(10), renewal: .minutes(9), usedAt: now)
    }

    var isInstalled: Bool { installedAt != nil }
    var isRefused: Bool { refusedUntil != nil }

    mutating func use(_ now: NIODeadline) {
      usedAt = now
    }

    mutating func install(_ now: NIODeadline) {
      (installedAt, renewAt, refusedUntil) = (now, now + renewal, nil)
    }

    /// The server does not want it. It is not asked again for a while.
    mutating func refuse(_ now: NIODeadline) {
      (installedAt, renewAt, refusedUntil) = (nil, nil, now + .minutes(1))
    }

    enum Due {
      case nothing, renewal
      case end
    }

    /// What is to be done with it now. One that was not used since it was installed is not renewed.
    mutating func service(_ now: NIODeadline) -> Due {
      if let refusedUntil { return now >= refusedUntil ? .end : .nothing }
      guard let installedAt else { return .nothing }
      if now >= installedAt + lifetime { return .end }
      guard let renewAt, now >= renewAt else { return .nothing }
      self.renewAt = nil
      return usedAt > installedAt ? .renewal : .nothing
    }

    var nextDeadline: NIODeadline? {
      if let refusedUntil { return refusedUntil }
      return renewAt ?? installedAt.map { $0 + lifetime }
    }

    private init(lifetime: TimeAmount, renewal: TimeAmount, usedAt: NIODeadline) {
      self.lifetime = lifetime
      self.renewal = renewal
      self.usedAt = usedAt
    }
  }

  /// Peers at one IP address that may send to us.
  struct Permission {
    /// With port 0.
    let ip: TransportAddress
    var grant: Grant
    /// Waits until it is granted.
    var held: [(datagram: ByteBuffer, peer: TransportAddress)] = []
  }

  struct Channel {
    let number: UInt16
    let peer: TransportAddress
    /// Nil once it has run out. Bound again it keeps its number (RFC 8656 section 12).
    var grant: Grant?
  }
}
