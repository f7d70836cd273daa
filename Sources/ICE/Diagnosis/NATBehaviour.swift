public import NIOCore

/// How the boxes between us and a STUN server treat our packets, in the words of RFC 4787 and RFC 5780.
public struct NATBehaviour: Hashable, Sendable {
  /// What a choice of a NAT depends on.
  public enum Dependence: String, Hashable, Sendable {
    case endpointIndependent = "endpoint-independent"
    case addressDependent = "address-dependent"
    case addressAndPortDependent = "address-and-port-dependent"
    /// One of the two before; plain STUN servers can't tell which.
    case dependent = "address-dependent or address-and-port-dependent"
  }

  /// Our address as the world sees it; nil if no server answered.
  public var mapped: TransportAddress?
  /// Whether that is another one than our own.
  public var isTranslated = false
  /// Whether it is the same whomever we send to; nil if it takes another server to tell.
  public var mapping: Dependence?
  /// Who may send to it; nil if no server can tell.
  public var filtering: Dependence?
  /// Whether two hosts behind the same box can meet at their outside addresses; nil without a NAT.
  public var hairpins: Bool?

  /// Nothing known yet.
  public init() {}
}

/// What a STUN server said.
public struct STUNServerAnswer: Hashable, Sendable {
  /// The address that was asked.
  public var server: TransportAddress
  /// Nil if it gave no answer.
  public var mapped: TransportAddress?
  /// Nil if it had to be asked more than once.
  public var roundTripTime: TimeAmount?
  /// Its second address, if it can test NATs (RFC 5780).
  public var otherAddress: TransportAddress?
}
